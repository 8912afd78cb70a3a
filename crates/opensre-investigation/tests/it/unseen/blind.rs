//! Incidents that were written after the rules, and never looked at while changing them.
