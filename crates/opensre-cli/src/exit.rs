//! Exit codes: documented constants, chosen in one exhaustive match.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for was done; an investigation finished (whatever its verdict).
    Success,
    /// What was asked for was tried and failed: an instance did not pass `verify`, a name does not exist, a write
    /// was refused.
    Failure,
    /// The command line or the input cannot be understood.
    BadInput,
    /// Nothing that the command could work on is configured.
    NothingConfigured,
    /// The deadline passed and nothing had been gathered.
    Deadline,
    /// Every back end that was asked failed or refused, so nothing was gathered.
    NothingGathered,
    /// The report is there, but was not delivered everywhere.
    NotDelivered,
    /// A fault of this program.
    Internal,
    /// Ctrl-C, or a question that was not answered.
    Interrupted,
}

impl Exit {
    /// All of them, for the documentation.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Failure,
        Self::BadInput,
        Self::NothingConfigured,
        Self::Deadline,
        Self::NothingGathered,
        Self::NotDelivered,
        Self::Internal,
        Self::Interrupted,
    ];

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::BadInput => 2,
            Self::NothingConfigured => 3,
            Self::Deadline => 4,
            Self::NothingGathered => 5,
            Self::NotDelivered => 6,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done; an investigation finished, whatever its verdict",
            Self::Failure => "tried and failed (an instance did not pass, a name does not exist, a write was refused)",
            Self::BadInput => "the command line or the input cannot be understood",
            Self::NothingConfigured => "nothing is configured that the command could use",
            Self::Deadline => "the deadline passed and nothing had been gathered",
            Self::NothingGathered => "every back end failed or refused, so nothing was gathered",
            Self::NotDelivered => "the investigation finished, but its report was not delivered to every target",
            Self::Internal => "a fault of this program",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
