//! One query of one instance, asked by itself: under the same rules as in an investigation (bounds, deadline, pins,
//! redaction), without a plan and a diagnosis.

use std::sync::Arc;

use opensre_model::evidence::{Evidence, Gap};
use opensre_model::secret::SecretSource;

use crate::gather::{Means, gather};
use crate::plan::Task;
use crate::redact::{RecordingSecrets, plain_secrets};

/// What one query answered, fit to be shown.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// What did not answer.
    pub gaps: Vec<Gap>,
    /// Calls sent.
    pub calls: u64,
}

/// Asks one query of one instance. Needs a Tokio runtime with timers.
pub async fn ask(task: &Task, means: &Means) -> Answered {
    let recording = Arc::new(RecordingSecrets::new(Arc::clone(&means.secrets)));
    let means = Means { secrets: Arc::clone(&recording) as Arc<dyn SecretSource>, ..means.clone() };
    let mut gathered = gather(std::slice::from_ref(task), &means, None).await;
    let redactor = recording.redactor(plain_secrets([&task.instance]));
    gathered.evidence.iter_mut().for_each(|evidence| redactor.evidence(evidence));
    gathered.gaps.iter_mut().for_each(|gap| redactor.gap(gap));
    Answered { evidence: gathered.evidence, gaps: gathered.gaps, calls: gathered.calls }
}
