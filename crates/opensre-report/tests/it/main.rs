//! The faces of a report, through the public surface.

mod evidence;
mod faces;
mod sample;
mod slack;
