//! From weighed pairs to persons: a pure function of the records, the weights and the orders of one component.
//!
//! Edges are taken from the strongest down. An edge joins the clusters of its ends unless a member of one holds
//! another value of an exclusive identifier than a member of the other, or the clusters on the whole disagree. So one
//! wrong link cannot pull two persons together, and the same input gives the same clusters in any order.
//!
//! Orders of reviewers come before all that: records to be held together are one cluster from the beginning, whatever
//! they state, and clusters to be kept apart are never joined. Whether clusters agree is asked of the records that weights
//! joined, as if there were no order: records that an order joined need not agree, and bring their own along.

use rustc_hash::FxHashSet;

use crate::standardize::{Numbered, ResidentNumber, Standardized};

/// At most this many members of each of two clusters are compared to see whether the clusters agree.
pub(crate) const SAMPLE_MAX: usize = 4;

/// Bits that one pair of members may speak against and for the clusters being one person. A vague record agrees
/// strongly with either of two relatives; without a limit it would outvote all that they disagree on.
pub(crate) const CLAMP: (f64, f64) = (8.0, 2.0);

/// A weighed pair inside a component: places in its list of nodes, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LocalEdge {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) weight: f32,
}

/// What orders say about the nodes of a component: pairs of places in its list of nodes, in order. They do not
/// contradict each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bonds {
    pub(crate) together: Vec<(u32, u32)>,
    pub(crate) apart: Vec<(u32, u32)>,
}

/// A cluster of a component: places of the members in order, and the edges that joined them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LocalCluster {
    pub(crate) members: Vec<u32>,
    pub(crate) links: Vec<LocalEdge>,
}

/// Clusters while they grow: every node knows its cluster, every cluster its members as a chain through the nodes.
struct Growing<'a> {
    nodes: &'a [&'a Standardized],
    /// The first member of the node's cluster, which stands for the cluster.
    head: Vec<u32>,
    next: Vec<u32>,
    last: Vec<u32>,
    size: Vec<u32>,
    apart: &'a [(u32, u32)],
}

const END: u32 = u32::MAX;

/// Clusters the nodes of a component. `nodes` are in an order that depends on what they state; `edges` have at least the link threshold;
/// `agreement` weighs two nodes as [`crate::compare::Score::cohesion`] does.
pub(crate) fn cluster(
    nodes: &[&Standardized],
    mut edges: Vec<LocalEdge>,
    bonds: &Bonds,
    cohesion: f64,
    agreement: impl Fn(u32, u32) -> f64,
) -> Vec<LocalCluster> {
    edges.sort_unstable_by(|x, y| y.weight.total_cmp(&x.weight).then(x.a.cmp(&y.a)).then(x.b.cmp(&y.b)));
    let mut growing = Growing::new(nodes, &bonds.apart);
    // A refusal holds as long as neither cluster grows.
    let mut refused: FxHashSet<(u32, u32, u32, u32)> = FxHashSet::default();
    let mut links: Vec<LocalEdge> = Vec::with_capacity(nodes.len());
    // The clusters as weights alone join them, where orders join others.
    let mut sides = (!bonds.together.is_empty()).then(|| Growing::new(nodes, &[]));
    for (a, b) in &bonds.together {
        let bond = LocalEdge { a: *a, b: *b, weight: f32::INFINITY };
        let (left, right) = growing.heads(bond);
        if left != right {
            growing.join(left, right);
            links.push(bond);
        }
    }
    for edge in edges {
        let (left, right) = growing.heads(edge);
        let pair = (left, growing.size[left as usize], right, growing.size[right as usize]);
        if left == right || refused.contains(&pair) {
            continue;
        }
        let judged = sides.as_ref().unwrap_or(&growing);
        let (one, other) = judged.heads(edge);
        if growing.may_join(left, right, || judged.agree(one, other, cohesion, &agreement)) {
            growing.join(left, right);
            if let Some(sides) = &mut sides {
                sides.join(one, other);
            }
            links.push(edge);
        } else if sides.is_none() {
            refused.insert(pair);
        }
    }
    growing.finish(&links)
}

impl<'a> Growing<'a> {
    fn new(nodes: &'a [&'a Standardized], apart: &'a [(u32, u32)]) -> Self {
        let own = 0..nodes.len() as u32;
        Self {
            nodes,
            head: own.clone().collect(),
            next: vec![END; nodes.len()],
            last: own.collect(),
            size: vec![1; nodes.len()],
            apart,
        }
    }

    /// The clusters of the ends of an edge, the one that comes first first.
    fn heads(&self, edge: LocalEdge) -> (u32, u32) {
        let (left, right) = (self.head[edge.a as usize], self.head[edge.b as usize]);
        (left.min(right), left.max(right))
    }

    fn members(&self, head: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(head), |node| Some(self.next[*node as usize]).filter(|next| *next != END))
    }

    /// The full resident numbers of a cluster: at most one unless a single record states several.
    fn ids(&self, head: u32) -> impl Iterator<Item = &ResidentNumber> {
        self.members(head).flat_map(|node| self.nodes[node as usize].ids.iter().filter(|id| !id.masked))
    }

    fn exclusive(&self, head: u32) -> impl Iterator<Item = &Numbered> {
        self.members(head).flat_map(|node| self.nodes[node as usize].exclusive.iter())
    }

    fn may_join(&self, left: u32, right: u32, agree: impl FnOnce() -> bool) -> bool {
        let heads = |(a, b): &(u32, u32)| (self.head[*a as usize], self.head[*b as usize]);
        if self.apart.iter().map(heads).any(|heads| heads == (left, right) || heads == (right, left)) {
            return false;
        }
        let mut id_left = self.ids(left).peekable();
        let has_both = id_left.peek().is_some() && self.ids(right).next().is_some();
        let shared_id = has_both && id_left.any(|mine| self.ids(right).any(|theirs| mine == theirs));
        if has_both && !shared_id || self.excludes(left, right) {
            return false;
        }
        shared_id || agree()
    }

    /// Whether both have numbers of one issuer, and none in common.
    fn excludes(&self, left: u32, right: u32) -> bool {
        self.exclusive(left).any(|mine| {
            let mut same_kind = self.exclusive(right).filter(|theirs| theirs.kind == mine.kind).peekable();
            same_kind.peek().is_some() && !same_kind.any(|theirs| self.exclusive(left).any(|own| own == theirs))
        })
    }

    fn agree(&self, left: u32, right: u32, cohesion: f64, agreement: &impl Fn(u32, u32) -> f64) -> bool {
        if self.size[left as usize] == 1 && self.size[right as usize] == 1 {
            return true;
        }
        let (left, right) = (self.sample(left), self.sample(right));
        let pairs = (left.len() * right.len()) as f64;
        let sum: f64 = left
            .iter()
            .flat_map(|a| right.iter().map(|b| agreement(*a.min(b), *a.max(b)).clamp(-CLAMP.0, CLAMP.1)))
            .sum();
        sum / pairs >= cohesion
    }

    /// Members spread evenly over a cluster, in the order of the nodes.
    fn sample(&self, head: u32) -> Vec<u32> {
        let mut members: Vec<u32> = self.members(head).collect();
        members.sort_unstable();
        if members.len() > SAMPLE_MAX {
            members = (0..SAMPLE_MAX).map(|n| members[n * members.len() / SAMPLE_MAX]).collect();
        }
        members
    }

    fn join(&mut self, left: u32, right: u32) {
        let mut node = right;
        while node != END {
            self.head[node as usize] = left;
            node = self.next[node as usize];
        }
        self.next[self.last[left as usize] as usize] = right;
        self.last[left as usize] = self.last[right as usize];
        self.size[left as usize] += self.size[right as usize];
    }

    fn finish(self, links: &[LocalEdge]) -> Vec<LocalCluster> {
        let mut found = Vec::new();
        let mut place = vec![END; self.nodes.len()];
        for node in 0..self.nodes.len() as u32 {
            let head = self.head[node as usize] as usize;
            if place[head] == END {
                place[head] = found.len() as u32;
                let size = self.size[head] as usize;
                found.push(LocalCluster { members: Vec::with_capacity(size), links: Vec::with_capacity(size - 1) });
            }
            found[place[head] as usize].members.push(node);
        }
        for link in links {
            let head = self.head[link.a as usize] as usize;
            found[place[head] as usize].links.push(*link);
        }
        found
    }
}

/// The components of a graph that hold any of the seeds, each as its nodes in the order in which they were reached.
/// `is_first` says whether a node was not asked about before.
pub(crate) fn components<I: Iterator<Item = u32>>(
    seeds: &[u32],
    neighbours: impl Fn(u32) -> I,
    mut is_first: impl FnMut(u32) -> bool,
) -> Vec<Vec<u32>> {
    let mut found = Vec::with_capacity(seeds.len());
    for seed in seeds {
        if !is_first(*seed) {
            continue;
        }
        let mut nodes = vec![*seed];
        let mut next = 0;
        while next < nodes.len() {
            for neighbour in neighbours(nodes[next]) {
                if is_first(neighbour) {
                    nodes.push(neighbour);
                }
            }
            next += 1;
        }
        found.push(nodes);
    }
    found
}
