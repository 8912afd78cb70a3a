//! The program as a user drives it: the binary, its output, its exit codes.

mod real;
mod support;
