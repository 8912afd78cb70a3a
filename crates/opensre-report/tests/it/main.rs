//! The faces of a report, through the public surface.

mod faces;
mod sample;
mod slack;
