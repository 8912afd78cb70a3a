//! The opensre command line.
fn main() {}
