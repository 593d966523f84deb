//! Every command that docs/kubectl-speech.md shows can be called, and prints what stands there, of the sample.
use super::{
    DOCUMENT,
    args::Cli,
    change, decide,
    fleet::{Kind, Object, all, find},
    logs,
    options::DryRun,
    sample, status,
    table::Colours,
    wait, why,
};
use clap::Parser;
use speech_fleet::{self as calendar, fleet::Filter};
use std::{collections::BTreeMap, path::Path};

const SHOP: Option<&str> = Some("shop");

/// What the examples print; those of other tests, which have their own estates, are named without it.
fn printed() -> BTreeMap<&'static str, Option<String>> {
    let (objects, now) = (sample::objects(), sample::now());
    let fleet = all(&objects, None, &Kind::ALL);
    let named = |name: &str| find(&fleet, name, &Kind::ALL, SHOP).unwrap();
    let told = |name: &str, change| change::sentence(&named(name).to_string(), &change, DryRun::None);
    let candidate = "10000000-0000-4000-8000-000000000002".parse().ok();
    let hotline = named("hotline").endpoint().unwrap();
    let mut moved = hotline.clone();
    if let Some(status) = &mut moved.status {
        status.active.as_mut().unwrap().revision = status.candidate.take().unwrap().revision;
    }
    let ready = |object: &Object<'_>| format!("{object} {}\n", wait::arrived(&status::row(object, now)));
    let swapped = told("hotline", decide::swap(hotline, None).unwrap()) + &ready(&Object::Endpoint(&moved));
    let suspended = decide::suspend(&named("wiki"), true).unwrap();
    let slip = find(&fleet, "hotlnie", &[Kind::Endpoint], SHOP).unwrap_err();
    let until = "2026-08-28T10:00:00Z".parse().unwrap();
    let ahead = calendar::fleet::rows(&objects, now, until, &Filter::default());
    let letters = named("letters");
    BTreeMap::from([
        ("status", Some(status::fleet(&fleet, now, Colours(false)))),
        (
            "status letters",
            Some(status::detail(&status::row(&letters, now), now, Colours(false))),
        ),
        ("plan", Some(calendar::table(&ahead.rows, now, until))),
        ("why letters", Some(why::text(&why::why(&letters, now), Colours(false)))),
        (
            "approve letters --to 10000000-0000-4000-8000-000000000002",
            Some(told(
                "letters",
                decide::approve(letters.endpoint().unwrap(), candidate).unwrap(),
            )),
        ),
        ("swap hotline --wait", Some(swapped)),
        (
            "retrain claims",
            Some(told(
                "claims",
                decide::retrain(named("claims").model().unwrap(), now).unwrap(),
            )),
        ),
        (
            "suspend wiki --dry-run=server",
            Some(change::sentence(&named("wiki").to_string(), &suspended, DryRun::Server)),
        ),
        ("approve hotlnie", Some(format!("kubectl speech: {slip}\n"))),
        ("wait letters wiki", Some(ready(&letters) + &ready(&named("wiki")))),
        (
            "logs hotline --fetch ./logs",
            Some(logs::told(2, 0, Path::new("./logs"))),
        ),
        ("import --connection west", None),
        ("orphans", None),
        ("logs hotline", None),
    ])
}

/// The commands of the console blocks with what stands below each.
fn shown() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for block in DOCUMENT.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => found.push((command.to_owned(), String::new())),
                None => found.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            }
        }
    }
    found
}

#[test]
fn the_document_shows_what_is_printed_and_nothing_else() {
    let mut printed = printed();
    for (command, output) in shown() {
        let Some(words) = command.strip_prefix("kubectl speech ") else {
            continue;
        };
        let words = words.split(['>', '&']).next().unwrap().trim();
        let line = ["kubectl-speech"].into_iter().chain(words.split(' '));
        assert!(Cli::try_parse_from(line).is_ok(), "{command}");
        match printed.remove(words) {
            Some(Some(expected)) => assert_eq!(output, expected, "{command}"),
            Some(None) => assert!(!output.is_empty(), "{command}"),
            None => assert_eq!(output, "", "nobody checks what {command} prints"),
        }
    }
    assert!(printed.is_empty(), "not in the document: {:?}", printed.keys());
}
