//! The dataset of a gate.
use super::*;

#[test]
fn the_dataset_has_to_be_one_to_evaluate_with() {
    let of = |change: fn(&mut speech_service::entity::Dataset)| {
        gated().with(|c| learn(&mut c.world.view.datasets, with(dataset(5), change)))
    };
    let five = id(5);
    let cases = vec![
        (
            "missing",
            gated().with(|c| {
                c.world.view.datasets = Default::default();
                c.world.sweep();
                c.world.view.datasets.note_gone(&speech_service::Absent::assumed(five));
            }),
            format!("- | Error | dataset {five}, which the Speech resource does not have"),
            Reason::DatasetNotFound,
        ),
        (
            "in no list",
            gated().with(|c| {
                c.world.view.datasets = Default::default();
                c.world.sweep();
            }),
            format!("- | Pending | dataset {five}, which no list shows; the service is asked whether it exists"),
            Reason::DatasetNotReady,
        ),
        (
            "text",
            of(|d| d.kind = "Language".into()),
            format!(
                "- | Error | a dataset of audio with human-labelled transcripts (Acoustic); remote-5 ({five}) is of kind Language"
            ),
            Reason::DatasetUnsuitable,
        ),
        (
            "audio without transcripts",
            of(|d| d.kind = "AudioFiles".into()),
            format!(
                "- | Error | a dataset of audio with human-labelled transcripts (Acoustic); remote-5 ({five}) is of kind AudioFiles"
            ),
            Reason::DatasetUnsuitable,
        ),
        (
            "another locale",
            of(|d| d.header.locale = "de-DE".into()),
            format!("- | Error | a dataset of locale en-US; remote-5 ({five}) is of de-DE"),
            Reason::DatasetUnsuitable,
        ),
        (
            "nothing in it",
            of(|d| d.accepted_lines = Some(0)),
            format!("- | Error | another dataset; no line of remote-5 ({five}) was accepted on its import"),
            Reason::DatasetUnsuitable,
        ),
        (
            "failed",
            of(|d| put_state(&mut d.header, Status::Failed, at(NOW))),
            format!("- | Error | another dataset; the import of remote-5 ({five}) failed"),
            Reason::DatasetNotReady,
        ),
        (
            "being imported",
            of(|d| put_state(&mut d.header, Status::Running, at(NOW))),
            format!("- | Pending | dataset remote-5 ({five}), which is being imported"),
            Reason::DatasetNotReady,
        ),
    ];
    for (name, case, expected, reason) in cases {
        assert_eq!(ruling(&case).reason, reason, "{name}");
        let awaits = case.plan().awaits;
        let passes = ["being imported", "in no list"].contains(&name);
        assert_eq!(awaits, passes.then_some(List::Datasets), "{name}");
        check_gates(vec![(name, case, expected)]);
    }
}
