//! The built-in incident model, and bundles like it.

use super::*;
use crate::slm::mask::slots::fixtures::outlet;

#[test]
fn the_built_in_model_judges_an_incident_in_plain_words() {
    let bundle = built_in::bundle().unwrap();
    let model = Incident::load(&bundle, &ClassifyIncidentConfig::default()).unwrap();
    let found = model.judge(&Case { assessment: None, ..outlet() }).unwrap();
    let sum: f32 = found.scores.iter().map(|(_, probability)| probability).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{found:?}");
    assert!(found.scores.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{found:?}");
    assert_eq!(found.confidence, found.scores[0].1);
    let channels = ["pressure_out", "flow", "temperature"];
    assert!(found.because.iter().all(|because| channels.contains(&because.what.as_str())), "{found:?}");
}

#[test]
fn a_judgement_is_told_by_the_names_of_channels() {
    use crate::diagnosis::Finding;
    let finding = |mode: &str, cause: &str, check: &str, benign| Finding {
        mode: mode.into(),
        cause: cause.into(),
        check: check.into(),
        benign,
    };
    let judged = Judgement {
        label: Some("outlet_blocked".into()),
        confidence: 0.8,
        scores: vec![("outlet_blocked".into(), 0.8), ("unknown".into(), 0.2)],
        finding: Some(finding("outlet_blocked", "a blocked outlet", "the valve", false)),
        second: Some(finding("seal_worn", "a worn seal", "the seal", false)),
        unexplained: vec![2],
        because: vec![(Reason::Channel(1), 0.5), (Reason::Notes, 0.25), (Reason::Channel(0), 0.125)],
    };
    let found = assessment(judged, &outlet().incident.evidence);
    assert_eq!(found.cause.as_deref(), Some("a blocked outlet"));
    assert_eq!((found.second.as_deref(), found.check.as_deref()), (Some("a worn seal"), Some("the valve")));
    assert_eq!(found.unexplained, ["temperature"]);
    let because: Vec<_> =
        found.because.iter().map(|because| (because.what.as_str(), because.weight)).collect();
    assert_eq!(because, [("flow", 0.5), ("notes", 0.25), ("pressure_out", 0.125)]);
}

#[test]
fn a_sites_file_that_is_none_is_named() {
    let bundle = built_in::bundle().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    let load = || {
        let config = ClassifyIncidentConfig { signatures: Some(path.clone()), ..Default::default() };
        Incident::load(&bundle, &config).map(drop)
    };
    assert!(load().unwrap_err().contains("site.toml"));
    std::fs::write(&path, "version = 1\n[[mode]]\nid = 7\n").unwrap();
    assert!(load().unwrap_err().contains("site.toml"));
}

#[test]
fn it_answers_nothing_else() {
    let bundle = built_in::bundle().unwrap();
    let model = Incident::load(&bundle, &ClassifyIncidentConfig::default()).unwrap();
    let run = Run { go_on: &|| true, pieces: None };
    let refused = model.run(&Request::SummarizeIncident(Box::new(outlet())), &run).unwrap_err();
    assert!(matches!(refused, Refusal::Model { .. }), "{refused}");
    assert!(model.run(&Request::ClassifyIncident(Box::new(outlet())), &run).is_ok());
}
