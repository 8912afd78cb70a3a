//! The program as a user drives it: the binary, its output, its exit codes.

mod completion;
mod deliver;
mod guides;
mod eks;
mod integrations;
mod investigate;
mod onboard;
mod pins;
mod query;
mod real;
mod reference;
mod secrets;
mod select;
mod store;
mod support;
mod usage;
mod verify;
