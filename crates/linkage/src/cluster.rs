//! From weighed pairs to persons: a pure function of the records and the weights of one component.
//!
//! Edges are taken from the strongest down. An edge joins the clusters of its ends unless a member of one holds
//! another value of an exclusive identifier than a member of the other, or the clusters on the whole disagree. So one
//! wrong link cannot pull two persons together, and the same input gives the same clusters in any order.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::standardize::{Numbered, ResidentNumber, Standardized};

/// At most this many members of each of two clusters are compared to see whether the clusters agree.
const SAMPLE_MAX: usize = 4;

/// A weighed pair inside a component: places in its list of nodes, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LocalEdge {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) weight: f32,
}

/// A cluster of a component: places of the members in order, and the edges that joined them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LocalCluster {
    pub(crate) members: Vec<u32>,
    pub(crate) links: Vec<LocalEdge>,
}

struct Growing {
    members: Vec<u32>,
    links: Vec<LocalEdge>,
    ids: Vec<ResidentNumber>,
    exclusive: Vec<Numbered>,
}

/// Clusters the nodes of a component. `nodes` are in order of record key; `edges` have at least the link threshold;
/// `evidence` weighs two nodes without the prior.
pub(crate) fn cluster(
    nodes: &[&Standardized],
    mut edges: Vec<LocalEdge>,
    cohesion: f64,
    evidence: impl Fn(u32, u32) -> f64,
) -> Vec<LocalCluster> {
    edges.sort_unstable_by(|x, y| y.weight.total_cmp(&x.weight).then(x.a.cmp(&y.a)).then(x.b.cmp(&y.b)));
    let mut clusters: Vec<Option<Growing>> =
        (0..nodes.len() as u32).map(|node| Some(Growing::of(node, nodes))).collect();
    let mut cluster_of: Vec<u32> = (0..nodes.len() as u32).collect();
    // A refusal holds as long as neither cluster grows; a joined cluster has a new number.
    let mut refused: FxHashSet<(u32, u32)> = FxHashSet::default();
    for edge in edges {
        let (left, right) = (cluster_of[edge.a as usize], cluster_of[edge.b as usize]);
        let pair = (left.min(right), left.max(right));
        if left == right || refused.contains(&pair) {
            continue;
        }
        let (Some(x), Some(y)) = (&clusters[left as usize], &clusters[right as usize]) else { continue };
        if x.excludes(y) || !(x.shares_id(y) || x.agrees(y, cohesion, &evidence)) {
            refused.insert(pair);
            continue;
        }
        let number = clusters.len() as u32;
        let (Some(x), Some(y)) = (clusters[left as usize].take(), clusters[right as usize].take()) else { continue };
        let joined = x.join(y, edge);
        for member in &joined.members {
            cluster_of[*member as usize] = number;
        }
        clusters.push(Some(joined));
    }
    clusters.into_iter().flatten().map(|c| LocalCluster { members: c.members, links: c.links }).collect()
}

impl Growing {
    fn of(node: u32, nodes: &[&Standardized]) -> Self {
        let record = nodes[node as usize];
        Self {
            members: vec![node],
            links: Vec::new(),
            ids: record.ids.iter().filter(|id| !id.masked).copied().collect(),
            exclusive: record.exclusive.to_vec(),
        }
    }

    fn shares_id(&self, other: &Self) -> bool {
        self.ids.iter().any(|id| other.ids.contains(id))
    }

    /// Whether each holds a value of an exclusive identifier, and none in common.
    fn excludes(&self, other: &Self) -> bool {
        if !self.ids.is_empty() && !other.ids.is_empty() && !self.shares_id(other) {
            return true;
        }
        self.exclusive.iter().any(|mine| {
            let mut same_kind = other.exclusive.iter().filter(|theirs| theirs.kind == mine.kind).peekable();
            same_kind.peek().is_some() && !same_kind.any(|theirs| self.exclusive.iter().any(|own| own == theirs))
        })
    }

    fn agrees(&self, other: &Self, cohesion: f64, evidence: &impl Fn(u32, u32) -> f64) -> bool {
        if self.members.len() == 1 && other.members.len() == 1 {
            return true;
        }
        let (left, right) = (sample(&self.members), sample(&other.members));
        let pairs = (left.len() * right.len()) as f64;
        let sum: f64 = left.iter().flat_map(|a| right.iter().map(|b| evidence(*a.min(b), *a.max(b)))).sum();
        sum / pairs >= cohesion
    }

    fn join(mut self, mut other: Self, edge: LocalEdge) -> Self {
        self.members.append(&mut other.members);
        self.members.sort_unstable();
        self.links.append(&mut other.links);
        self.links.push(edge);
        self.ids.append(&mut other.ids);
        self.ids.sort_unstable();
        self.ids.dedup();
        self.exclusive.append(&mut other.exclusive);
        self.exclusive.sort_unstable();
        self.exclusive.dedup();
        self
    }
}

/// Members spread evenly over a cluster. They are in order of record key, which is a keyed hash: as good as random.
fn sample(members: &[u32]) -> Vec<u32> {
    if members.len() <= SAMPLE_MAX {
        return members.to_vec();
    }
    (0..SAMPLE_MAX).map(|n| members[n * members.len() / SAMPLE_MAX]).collect()
}

/// The components of a graph that hold any of the seeds, each as its nodes in the order in which they were reached.
pub(crate) fn components<I: Iterator<Item = u32>>(seeds: &[u32], neighbours: impl Fn(u32) -> I) -> Vec<Vec<u32>> {
    let mut reached: FxHashMap<u32, ()> = FxHashMap::default();
    let mut found = Vec::new();
    for seed in seeds {
        if reached.insert(*seed, ()).is_some() {
            continue;
        }
        let mut nodes = vec![*seed];
        let mut next = 0;
        while next < nodes.len() {
            for neighbour in neighbours(nodes[next]) {
                if reached.insert(neighbour, ()).is_none() {
                    nodes.push(neighbour);
                }
            }
            next += 1;
        }
        found.push(nodes);
    }
    found
}
