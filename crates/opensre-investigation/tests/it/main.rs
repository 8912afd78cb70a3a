//! Behaviour of investigations through the public surface.

mod changes;
mod end_to_end;
mod gathering;
mod incidents;
mod pins;
mod redaction;
mod series;
mod signatures;
mod states;
mod statistics;
mod unseen;
mod verdicts;
mod world;
