//! Builds anew when the web application was: a release has its files inside.

fn main() {
    println!("cargo::rerun-if-changed=dist");
}
