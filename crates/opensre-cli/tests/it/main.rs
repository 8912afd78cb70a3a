//! The program as a user drives it: the binary, its output, its exit codes.

mod completion;
mod compliance;
mod deliver;
mod eks;
mod guides;
mod import;
mod integrations;
mod investigate;
mod onboard;
mod pins;
mod query;
mod real;
mod reference;
mod route;
mod secrets;
mod select;
mod store;
mod support;
mod usage;
mod verify;
