//! The program as a user drives it: the binary, its output, its exit codes.

mod integrations;
mod investigate;
mod real;
mod reference;
mod secrets;
mod select;
mod store;
mod support;
mod usage;
mod verify;
