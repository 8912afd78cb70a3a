//! A query whose server fails says so: never "nothing there", and never nothing.

use opensre_lab::front::Failing;
use opensre_lab::vendors::postgresql::Fault;
use opensre_model::evidence::{Gap, GapKind};
use opensre_providers::driver::{Answer, Input, Query};

use super::asking::{AMPLE, SHORT, access, ask, questions};
use super::modes::{MODES, Mode};
use super::probes::at_failing;
use super::scene::Scene;
use super::server::Server;
use super::table::{Row, TABLE, Wire};
use super::walk;

type Case = (&'static Row, &'static Query, Input);

/// Every query of every row.
fn all(scene: &Scene) -> Vec<Case> {
    let of = |row: &'static Row| questions(row, scene).into_iter().map(move |(query, input)| (row, query, input));
    TABLE.iter().flat_map(of).collect()
}

fn is_failure(gap: &Gap) -> bool {
    !matches!(gap.kind, GapKind::NotRelevant | GapKind::NotSupported)
}

fn told(answer: &Answer) -> String {
    let gaps: Vec<String> = answer
        .gaps
        .iter()
        .map(|gap| format!("{:?}: {} [{}]", gap.kind, gap.reason, gap.hint.as_deref().unwrap_or_default()))
        .collect();
    let evidence: Vec<&str> = answer.evidence.iter().map(|evidence| evidence.summary.as_str()).collect();
    format!("evidence {evidence:?}, gaps {gaps:?}")
}

/// What is wrong with the answer of a server that failed from the first request on.
fn offences(row: &Row, query: &Query, mode: Mode, answer: &Answer) -> Vec<String> {
    let mut offences = Vec::new();
    let there_is_none = mode == Mode::NotFound && row.looks_up.contains(&query.name);
    if there_is_none && answer.gaps.is_empty() || !there_is_none && !answer.gaps.iter().any(is_failure) {
        offences.push("a failure is no gap".to_owned());
    }
    for gap in &answer.gaps {
        if is_failure(gap) && !mode.kinds().contains(&gap.kind) {
            offences.push(format!("a gap is {:?}, not one of {:?}", gap.kind, mode.kinds()));
        }
        if gap.operation.as_deref() != Some(query.name) || gap.instance.as_deref() != Some("prod") {
            offences.push(format!("a gap is of {:?} {:?}", gap.instance, gap.operation));
        }
        if gap.reason.trim().is_empty() || gap.reason.contains('\n') {
            offences.push("a gap does not say why in one line".to_owned());
        }
        let said = format!("{} {}", gap.reason, gap.hint.as_deref().unwrap_or_default());
        if is_failure(gap) && !mode.words().iter().any(|word| said.contains(word)) {
            offences.push(format!("says none of {:?}", mode.words()));
        }
    }
    // That connections are taken is what PostgreSQL was asked for; of twisted values some can still be read.
    let may_tell = row.wire == Wire::Postgres || mode == Mode::WrongTypes;
    if !answer.evidence.is_empty() && !may_tell {
        offences.push("has evidence, although nothing was answered".to_owned());
    }
    offences.into_iter().map(|it| format!("{} {} {mode:?}: {it}: {}", row.key, query.name, told(answer))).collect()
}

/// Of an answer without end no more is read than the bound of bytes says, and what the sockets of both sides hold.
fn too_much(row: &Row, query: &Query, server: &Server) -> Vec<String> {
    const ON_THE_WAY: usize = 16 * 1024 * 1024;
    let Server::Http(front) = server else { return vec![] };
    let (sent, allowed) = (front.sent(), server.requests() * (query.bounds.bytes + ON_THE_WAY));
    if sent > allowed {
        vec![format!("{} {}: {sent} bytes were taken, {allowed} allowed", row.key, query.name)]
    } else {
        vec![]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_a_gap_of_its_kind() {
    let scene = &Scene::start().await;
    let modes = MODES.iter().filter(|mode| **mode != Mode::Refused);
    let cases = all(scene).into_iter().flat_map(|case| modes.clone().map(move |mode| (case.clone(), *mode)));
    walk(cases.map(|((row, query, input), mode)| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let Some((access, server)) = at_failing(row, scene, mode, folder.path()).await else { return vec![] };
        match ask(&access, query, &input).await {
            Ok(answer) => [offences(row, query, mode, &answer), too_much(row, query, &server)].concat(),
            Err(offence) => vec![format!("{} {} {mode:?}: {offence}", row.key, query.name)],
        }
    }))
    .await;
}

/// A query that asks several times says when one of its later calls fails: whatever is missing then is not "not there".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_halfway_is_told() {
    const DEEPEST: usize = 6;
    let scene = &Scene::start().await;
    let cases = all(scene).into_iter().filter(|(row, ..)| row.wire == Wire::Http);
    walk(cases.map(|(row, query, input)| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::healthy(row, scene).await;
        let asked = ask(&access(row, &server.place("prod", folder.path()), AMPLE), query, &input).await;
        let Ok(whole) = asked else { return vec![format!("{} {}: {asked:?}", row.key, query.name)] };
        let mut offences = Vec::new();
        for well in 1..server.requests().min(DEEPEST) {
            for how in [
                Failing::Status(403, vec![], "{\"message\":\"no\"}"),
                Failing::Status(500, vec![], "{\"message\":\"no\"}"),
                Failing::Cut,
                Failing::Silent,
            ] {
                let deadline = if matches!(how, Failing::Silent) { 2 * SHORT } else { AMPLE };
                let server = Server::failing(row, scene, None, Fault::None).await;
                if let Server::Http(front) = &server {
                    front.fail_after(well, how.clone());
                }
                let case = format!("{} {} after {well} answers, {how:?}", row.key, query.name);
                match ask(&access(row, &server.place("prod", folder.path()), deadline), query, &input).await {
                    Err(offence) => offences.push(format!("{case}: {offence}")),
                    Ok(answer) => {
                        let said = answer.gaps.iter().any(is_failure)
                            || answer.evidence.iter().any(|evidence| evidence.truncated.is_some());
                        if !said && answer.evidence != whole.evidence {
                            offences.push(format!("{case}: what is missing is not said: {}", told(&answer)));
                        }
                    }
                }
            }
        }
        offences
    }))
    .await;
}
