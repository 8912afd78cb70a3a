//! Amazon RDS: records that old stores hold.
//!
//! They are kept and shown. Nothing offers to set one up: what AWS knows about the instance comes from `aws`, what
//! the database knows from `postgresql`, `mysql` or `mariadb`.

pub mod declaration;

use crate::driver::Provider;

/// Amazon RDS.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
