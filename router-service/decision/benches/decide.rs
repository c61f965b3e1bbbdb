//! How long a whole decision takes.
fn main() {}
