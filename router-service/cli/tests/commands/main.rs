//! The commands as a caller meets them: what they print, what they leave on the disk, and their exit codes 0, 1 and 2.
//! They stand here and not in `tests/it` because only a package's own tests are told where its binary is.

mod distill;
mod eval;
mod import;
mod learning;
mod log;
mod models;
mod route;
mod scorer;
mod scratch;
mod serve;
mod teacher;
mod tune;
