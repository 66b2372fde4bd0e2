//! From weighed pairs to clusters: average linkage over all pairs of a component, proposed by blocking or not.
//!
//! Two clusters become one while the mean weight over all pairs between them is at least the threshold, the highest
//! mean first. So a vague record that fits two people cannot join them: what they disagree on counts. That two records
//! of one person state too little in common to be found by themselves is no disagreement. The result is a function of
//! the records and the weights; ties are broken by the order of records.

use rayon::prelude::*;

use super::store::Table;
use super::weigh::{Say, Weigher};

/// A pair and its weight.
pub(crate) type Edge = (u32, u32, f32);

/// Components up to this size are clustered by the mean over all pairs, larger ones by samples of their pairs.
const EXACT_MAX: usize = 600;
/// Members of a cluster that are compared, in a component that is larger.
const SAMPLE: usize = 12;
/// A single pair says at most so much against and for two clusters being one.
pub(crate) const CLAMP: (f32, f32) = (-14.0, 10.0);
/// Bits above the threshold that a pair may always say.
const ABOVE: f32 = 4.0;
/// Bits against that are no disagreement yet.
const QUIET: f32 = -1.0;
/// How much a pair counts that has nothing to say, beside those that have: it decides where nothing else does.
const SILENT: f32 = 0.001;

/// What pairs say together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    bits: f32,
    /// How many count.
    pairs: f32,
    /// The most that one of them says alone.
    most: f32,
}

/// No pairs.
const NOBODY: Voice = Voice { bits: 0.0, pairs: 0.0, most: f32::NEG_INFINITY };

impl Voice {
    /// A pair that is likely counts as it is.
    fn likely(weight: f32, clamp: (f32, f32)) -> Self {
        let bits = weight.clamp(clamp.0, clamp.1);
        Self { bits, pairs: 1.0, most: bits }
    }

    /// A pair that is unlikely by itself counts against as far as it disagrees, and hardly where it does not.
    fn of(say: Say, clamp: (f32, f32)) -> Self {
        let alone = Self::likely(say.weight, clamp);
        if say.weight >= 0.0 {
            alone
        } else if say.doubt > QUIET {
            Self { bits: alone.bits * SILENT, pairs: SILENT, ..alone }
        } else {
            Self { bits: alone.bits.max(say.doubt), ..alone }
        }
    }

    fn add(self, other: Self) -> Self {
        Self { bits: self.bits + other.bits, pairs: self.pairs + other.pairs, most: self.most.max(other.most) }
    }

    /// Together they are as likely as their mean, and no likelier than the likeliest alone.
    fn mean(self) -> f32 {
        (self.bits / self.pairs).min(self.most)
    }
}

/// Clusters the records: for every record the first record of its cluster.
pub(crate) fn group(table: &Table, weigher: &Weigher, edges: &[Edge], threshold: f32) -> Vec<u32> {
    let mut heads: Vec<u32> = (0..table.len() as u32).collect();
    let linking: Vec<Edge> = edges.iter().copied().filter(|edge| edge.2 >= threshold).collect();
    for (a, b, _) in &linking {
        let (a, b) = (root(&mut heads, *a), root(&mut heads, *b));
        heads[a.max(b) as usize] = a.min(b);
    }
    let mut by_component: Vec<(u32, Edge)> = linking.into_iter().map(|edge| (root(&mut heads, edge.0), edge)).collect();
    by_component.par_sort_unstable_by(|x, y| (x.0, x.1.0, x.1.1).cmp(&(y.0, y.1.0, y.1.1)));
    let components: Vec<&[(u32, Edge)]> = by_component.chunk_by(|x, y| x.0 == y.0).collect();
    let found: Vec<Vec<(u32, u32)>> =
        components.into_par_iter().with_min_len(16).map(|edges| component(table, weigher, edges, threshold)).collect();
    let mut clusters: Vec<u32> = (0..table.len() as u32).collect();
    for (record, head) in found.into_iter().flatten() {
        clusters[record as usize] = head;
    }
    clusters
}

/// Records with the members of a cluster beside each other, in order.
pub(crate) fn by_cluster(clusters: &[u32]) -> Vec<u32> {
    let mut order: Vec<(u32, u32)> = clusters.iter().enumerate().map(|(place, head)| (*head, place as u32)).collect();
    order.par_sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}

fn root(heads: &mut [u32], mut node: u32) -> u32 {
    while heads[node as usize] != node {
        let above = heads[heads[node as usize] as usize];
        heads[node as usize] = above;
        node = above;
    }
    node
}

/// Clusters one component: its records with the first record of their cluster.
fn component(table: &Table, weigher: &Weigher, edges: &[(u32, Edge)], threshold: f32) -> Vec<(u32, u32)> {
    if let [(_, (a, b, _))] = edges {
        return vec![(*a, *a), (*b, *a)];
    }
    let mut nodes: Vec<u32> = edges.iter().flat_map(|(_, edge)| [edge.0, edge.1]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.len() <= EXACT_MAX {
        exact(table, weigher, &nodes, edges, threshold)
    } else {
        sampled(table, weigher, &nodes, edges, threshold)
    }
}

/// Average linkage over the whole matrix of pairs.
fn exact(table: &Table, weigher: &Weigher, nodes: &[u32], edges: &[(u32, Edge)], threshold: f32) -> Vec<(u32, u32)> {
    let head = agglomerate(table, weigher, nodes, edges, threshold, |_, _| {});
    nodes.iter().zip(head).map(|(node, head)| (*node, nodes[head])).collect()
}

/// The merges by which records become one cluster, whatever their weight: the mean weight and the number of pairs of
/// each.
pub(crate) fn merges(table: &Table, weigher: &Weigher, nodes: &[u32], each: impl FnMut(f32, usize)) {
    agglomerate(table, weigher, nodes, &[], f32::NEG_INFINITY, each);
}

/// Merges clusters while their mean weight reaches the threshold; gives for every node the place of the first of its
/// cluster. Pairs of which no edge tells the weight are weighed.
fn agglomerate(
    table: &Table,
    weigher: &Weigher,
    nodes: &[u32],
    edges: &[(u32, Edge)],
    threshold: f32,
    mut merged: impl FnMut(f32, usize),
) -> Vec<usize> {
    let clamp = clamp(threshold);
    let n = nodes.len();
    let mut sums = vec![NOBODY; n * n];
    let place = |node: u32| nodes.binary_search(&node).unwrap_or(0);
    for (_, (a, b, weight)) in edges {
        let (i, j) = (place(*a).max(place(*b)), place(*a).min(place(*b)));
        sums[i * n + j] = Voice::likely(*weight, clamp);
    }
    for i in 0..n {
        for j in 0..i {
            if sums[i * n + j].pairs == 0.0 {
                let (a, b) = (&table.rows[nodes[i] as usize], &table.rows[nodes[j] as usize]);
                sums[i * n + j] = Voice::of(weigher.say(table, a, b), clamp);
            }
            sums[j * n + i] = sums[i * n + j];
        }
    }
    let mut sizes = vec![1.0_f32; n];
    let mut head: Vec<usize> = (0..n).collect();
    // The best partner of every living cluster.
    let mut best: Vec<(f32, usize)> = (0..n).map(|i| partner(&sums, &sizes, n, i)).collect();
    loop {
        let top = (0..n).filter(|i| sizes[*i] > 0.0).max_by(|x, y| best[*x].0.total_cmp(&best[*y].0).then(y.cmp(x)));
        let Some(a) = top.filter(|a| best[*a].0 >= threshold && best[*a].0 > f32::NEG_INFINITY) else { break };
        merged(best[a].0, (sizes[a] * sizes[best[a].1]) as usize);
        let (a, b) = (a.min(best[a].1), a.max(best[a].1));
        for k in 0..n {
            sums[a * n + k] = sums[a * n + k].add(sums[b * n + k]);
            sums[k * n + a] = sums[a * n + k];
        }
        sizes[a] += sizes[b];
        sizes[b] = 0.0;
        head.iter_mut().filter(|head| **head == b).for_each(|head| *head = a);
        best[a] = partner(&sums, &sizes, n, a);
        for i in (0..n).filter(|i| sizes[*i] > 0.0 && *i != a).collect::<Vec<_>>() {
            if best[i].1 == a || best[i].1 == b {
                best[i] = partner(&sums, &sizes, n, i);
            } else {
                let mean = sums[i * n + a].mean();
                if mean > best[i].0 {
                    best[i] = (mean, a);
                }
            }
        }
    }
    head
}

fn partner(sums: &[Voice], sizes: &[f32], n: usize, i: usize) -> (f32, usize) {
    let mut best = (f32::NEG_INFINITY, i);
    for j in (0..n).filter(|j| *j != i && sizes[*j] > 0.0) {
        let mean = sums[i * n + j].mean();
        if mean > best.0 {
            best = (mean, j);
        }
    }
    best
}

/// How much a single pair may say.
fn clamp(threshold: f32) -> (f32, f32) {
    match threshold.is_finite() {
        true => (CLAMP.0.min(threshold - ABOVE), CLAMP.1.max(threshold + ABOVE)),
        false => CLAMP,
    }
}

/// The mean weight of the pairs between some records and others.
pub(crate) fn mean(table: &Table, weigher: &Weigher, (a, b): (&[u32], &[u32]), clamp: (f32, f32)) -> f32 {
    let row = |record: &u32| &table.rows[*record as usize];
    let voices = a.iter().flat_map(|x| b.iter().map(|y| Voice::of(weigher.say(table, row(x), row(y)), clamp)));
    voices.fold(NOBODY, Voice::add).mean()
}

/// Edges from the strongest down; each joins two clusters if samples of their members agree.
fn sampled(table: &Table, weigher: &Weigher, nodes: &[u32], edges: &[(u32, Edge)], threshold: f32) -> Vec<(u32, u32)> {
    let place = |node: u32| nodes.binary_search(&node).unwrap_or(0);
    let mut members: Vec<Vec<u32>> = nodes.iter().map(|node| vec![*node]).collect();
    let mut head: Vec<usize> = (0..nodes.len()).collect();
    let mut sorted: Vec<Edge> = edges.iter().map(|(_, edge)| *edge).collect();
    sorted.sort_unstable_by(|x, y| y.2.total_cmp(&x.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    for (a, b, _) in sorted {
        let (a, b) = (head[place(a)], head[place(b)]);
        if a == b {
            continue;
        }
        let pick = |all: &[u32]| -> Vec<u32> {
            let count = all.len().min(SAMPLE);
            (0..count).map(|n| all[n * all.len() / count]).collect()
        };
        let (left, right) = (pick(&members[a]), pick(&members[b]));
        if mean(table, weigher, (&left, &right), clamp(threshold)) >= threshold {
            let (keep, go) = if members[a].len() >= members[b].len() { (a, b) } else { (b, a) };
            let moved = std::mem::take(&mut members[go]);
            moved.iter().for_each(|node| head[place(*node)] = keep);
            members[keep].extend(moved);
        }
    }
    let clusters = members.iter().filter_map(|all| Some((all, *all.iter().min()?)));
    clusters.flat_map(|(all, first)| all.iter().map(move |node| (*node, first))).collect()
}
