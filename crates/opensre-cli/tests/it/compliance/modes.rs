//! The ways in which a server fails, and what a person must learn of each.

use std::time::Duration;

use opensre_lab::front::Failing;
use opensre_lab::vendors::postgresql::Fault;
use opensre_model::evidence::GapKind;

use super::asking::{AMPLE, SHORT};
use super::table::{Row, Wire};

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Unauthorized,
    Forbidden,
    NotFound,
    RateLimited,
    Broken,
    Unavailable,
    Redirect,
    LoginPage,
    WrongTypes,
    /// JSON of something else.
    Foreign,
    Null,
    Empty,
    Endless,
    Trickle,
    Silent,
    Cut,
    HangUp,
    /// Nobody listens.
    Refused,
    /// The instance says TLS, the server does not speak it.
    NoTls,
}

/// All of them.
pub(crate) const MODES: &[Mode] = &[
    Mode::Unauthorized,
    Mode::Forbidden,
    Mode::NotFound,
    Mode::RateLimited,
    Mode::Broken,
    Mode::Unavailable,
    Mode::Redirect,
    Mode::LoginPage,
    Mode::WrongTypes,
    Mode::Foreign,
    Mode::Null,
    Mode::Empty,
    Mode::Endless,
    Mode::Trickle,
    Mode::Silent,
    Mode::Cut,
    Mode::HangUp,
    Mode::Refused,
    Mode::NoTls,
];

impl Mode {
    /// How a server of the row does it; `None` where its protocol has no such thing.
    pub(crate) fn of(self, row: &Row) -> Option<(Option<Failing>, Fault)> {
        match row.wire {
            Wire::Http => Some((self.failing(), Fault::None)),
            Wire::Postgres => Some((None, self.fault()?)),
        }
    }

    fn failing(self) -> Option<Failing> {
        let status = |status, headers| Some(Failing::Status(status, headers, "{\"message\":\"no\"}"));
        match self {
            Self::Unauthorized => status(401, vec![]),
            Self::Forbidden => status(403, vec![]),
            Self::NotFound => status(404, vec![]),
            Self::RateLimited => status(429, vec![("retry-after", "3600".to_owned())]),
            Self::Broken => status(500, vec![]),
            Self::Unavailable => status(503, vec![]),
            Self::Redirect => status(302, vec![("location", "https://login.example.net/?next=x".to_owned())]),
            Self::LoginPage => Some(Failing::LoginPage),
            Self::WrongTypes => Some(Failing::WrongTypes),
            Self::Foreign => Some(Failing::Body("{\"hello\":\"world\"}")),
            Self::Null => Some(Failing::Body("null")),
            Self::Empty => Some(Failing::Body("")),
            Self::Endless => Some(Failing::Endless),
            Self::Trickle => Some(Failing::Trickle(Duration::from_millis(20))),
            Self::Silent => Some(Failing::Silent),
            Self::Cut => Some(Failing::Cut),
            Self::HangUp => Some(Failing::HangUp),
            Self::Refused | Self::NoTls => None,
        }
    }

    fn fault(self) -> Option<Fault> {
        match self {
            Self::Unauthorized => Some(Fault::NoEntry),
            Self::Forbidden => Some(Fault::Denies),
            Self::RateLimited => Some(Fault::Full),
            Self::Unavailable => Some(Fault::Starting),
            Self::LoginPage => Some(Fault::NotPostgres),
            Self::WrongTypes => Some(Fault::WrongColumns),
            Self::Silent => Some(Fault::Slow(Duration::from_mins(10))),
            Self::Cut => Some(Fault::CutsOff),
            Self::HangUp => Some(Fault::HangsUp),
            Self::Refused | Self::NoTls => Some(Fault::None),
            Self::NotFound
            | Self::Broken
            | Self::Redirect
            | Self::Foreign
            | Self::Null
            | Self::Empty
            | Self::Endless
            | Self::Trickle => None,
        }
    }

    /// How much time is given: servers that never answer are not waited for.
    pub(crate) fn deadline(self) -> Duration {
        if matches!(self, Self::Trickle | Self::Silent) { SHORT } else { AMPLE }
    }

    /// Whether the instance asks for TLS.
    pub(crate) fn asks_for_tls(self) -> bool {
        self == Self::NoTls
    }

    /// The kinds of gap that tell it right.
    pub(crate) fn kinds(self) -> &'static [GapKind] {
        match self {
            Self::Unauthorized | Self::Forbidden => &[GapKind::Denied],
            // That connections are taken, or calls spent, passes with time; PostgreSQL's is a failure to connect.
            Self::RateLimited => &[GapKind::RateLimited, GapKind::Failed],
            Self::Trickle | Self::Silent => &[GapKind::Deadline],
            _ => &[GapKind::Failed],
        }
    }

    /// Words of which a person must read at least one; each kind of failure has its own.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Self::Unauthorized => &["refused the credentials", "credentials", "pg_hba"],
            Self::Forbidden => &["does not allow", "may not", "permission", "refuse"],
            Self::NotFound => &["404", "does not know"],
            Self::RateLimited => &["slow down", "limit", "connections"],
            Self::Broken => &["status 500", "(500"],
            Self::Unavailable => &["status 503", "(503", "starting"],
            Self::Redirect => &["sends us"],
            Self::LoginPage => &["HTML page", "not as PostgreSQL"],
            Self::WrongTypes | Self::Foreign | Self::Null | Self::Empty => {
                &["not ", "no ", "nothing", "without", "empty", "cannot be read", "something else", "missing"]
            }
            Self::Endless => &["more than"],
            Self::Trickle | Self::Silent => &["time was over", "in time", "within"],
            Self::Cut | Self::HangUp => &["broke", "closed", "hung up", "ended", "no connection", "lost"],
            Self::Refused => &["connect", "refused"],
            Self::NoTls => &["TLS", "https", "encrypt"],
        }
    }
}
