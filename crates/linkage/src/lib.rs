//! Pure entity resolution: standardize, block, compare, weigh, cluster, explain.
