//! The story, act by act. Each act does something, shows it, and checks it.
use super::{
    DemoError, demand,
    harness::eventually,
    record::{Application, Version, Versions},
    screen::{Screen, Style},
    service::{Recognition, Service, text},
    stage::Stage,
};
use std::time::{Duration, Instant};

/// How long anything of the story may take.
const DEADLINE: Duration = Duration::from_secs(60);
const HOTLINE: &str = "claims-hotline";
const DICTATION: &str = "dictation";

/// What the acts know of each other.
struct Tale {
    service: Service,
    versions: Versions,
    first: Model,
    first_base: String,
    hotline: String,
    by_hand: String,
    dictation: String,
}

/// A model revision as its SpeechModel tells of it.
struct Model {
    id: String,
    uri: String,
    expires: String,
}

/// What was seen of the swap.
struct Swap {
    second: Model,
    recognitions: usize,
    trained: Duration,
    swapped: Duration,
}

/// Says what will be seen.
pub fn introduce(screen: &mut Screen) {
    screen.line(
        Style::Bold,
        "speech-operator: a custom speech model is swapped before it expires",
    );
    screen.blank();
    screen.say(
        "Real: the Kubernetes API server, kubectl, and the operator with its shipped permissions. Emulated: the Azure Speech \
         service and its clock, which can jump; trainings and deployments take seconds here, minutes to days there.",
    );
}

/// Plays all acts.
pub async fn play(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    let tale = declare(screen, stage).await?;
    newer_base_model(screen, stage, &tale).await?;
    let swap = swap(screen, stage, &tale).await?;
    expiry(screen, stage, &tale, &swap.second).await?;
    summarize(screen, stage, &tale, &swap).await
}

async fn declare(screen: &mut Screen, stage: &Stage) -> Result<Tale, DemoError> {
    let today = day(&stage.control().now().await?.to_string());
    screen.act(&format!("{today}  The team declares what it wants"));
    screen.in_picture(false); // the picture shows what matters most
    stage
        .kubectl(screen, &["apply", "-f", "deploy/demo/namespace.yaml"])
        .await?;
    stage
        .kubectl(screen, &["config", "set-context", "--current", "--namespace=claims"])
        .await?;
    stage.connect(screen).await?;
    wait(screen, stage, "--for=condition=Ready", "spconn/contoso").await?;
    screen.in_picture(true);
    let versions = Versions::record(stage.plane.client().await?, "claims");
    let files = ["model.yaml", "endpoint.yaml", "endpoint-newest-base.yaml"].map(|file| format!("deploy/demo/{file}"));
    let [model, endpoint, newest_base] = &files;
    stage
        .kubectl(screen, &["apply", "-f", model, "-f", endpoint, "-f", newest_base])
        .await?;
    wait(screen, stage, "--for=condition=Ready", "spmodel/claims").await?;
    wait(screen, stage, "--for=condition=Ready", "spep/claims-hotline").await?;
    wait(screen, stage, "--for=condition=Ready", "spep/dictation").await?;
    stage.kubectl(screen, &["get", "spmodel,spep"]).await?;
    screen.say("What the applications need is in a ConfigMap:");
    let path = "jsonpath={.data.webSocketUrl}";
    let url = stage
        .kubectl(screen, &["get", "configmap", HOTLINE, "-o", path])
        .await?;
    let hotline = text(&stage.object("spep/claims-hotline").await?, "/status/id");
    demand(
        !hotline.is_empty() && url.ends_with(&hotline),
        "a URL with the endpoint's id",
        || format!("{url}, {hotline}"),
    )?;

    let service = Service::new(stage.emulator_url())?;
    let first = current_model(stage, 1).await?;
    answered(screen, &service, HOTLINE, &hotline, &first.id, "revision 1").await?;
    screen.say("For comparison, the old way: a colleague deploys the same model by hand, and nobody looks after it.");
    let by_hand = service.deploy_by_hand("by hand", &first.uri);
    let by_hand = screen.during("the service deploys", by_hand).await?;
    answered(screen, &service, "by hand", &by_hand, &first.id, "revision 1").await?;
    let dictation = text(&stage.object("spep/dictation").await?, "/status/id");
    let base_models = service.base_models().await?;
    let first_base = base_models.into_iter().next().map(|(id, _)| id).unwrap_or_default();
    Ok(Tale {
        service,
        versions,
        first,
        first_base,
        hotline,
        by_hand,
        dictation,
    })
}

async fn newer_base_model(screen: &mut Screen, stage: &Stage, tale: &Tale) -> Result<(), DemoError> {
    travel(
        screen,
        stage,
        "2027-07-20T09:00:00Z",
        "Microsoft has published a newer base model",
    )
    .await?;
    screen.say("`dictation` is declared to follow the newest base model. Nobody does anything.");
    let (newest, name) = tale.service.base_models().await?.into_iter().next().unwrap_or_default();
    demand(newest != tale.first_base, "a newer base model in the list", || {
        name.clone()
    })?;
    let moved = format!("--for=jsonpath={{.status.active.name}}={name}");
    wait(screen, stage, &moved, "spep/dictation").await?;
    stage.kubectl(screen, &["get", "spep", DICTATION]).await?;
    let base = format!("base model {name}");
    answered(screen, &tale.service, DICTATION, &tale.dictation, &newest, &base).await?;
    always_ready(screen, stage, tale, DICTATION, &tale.dictation).await
}

async fn swap(screen: &mut Screen, stage: &Stage, tale: &Tale) -> Result<Swap, DemoError> {
    let when = ["get", "spmodel", "claims", "-o", "jsonpath={.status.plan[0]}"];
    screen.say("The operator has said from the first day when it will train the next revision:");
    stage.kubectl(screen, &when).await?;
    let application = Application::start(tale.service.clone(), &tale.hotline);
    let heading = "Twelve weeks before the hotline's model expires";
    travel(screen, stage, "2028-01-23T09:00:00Z", heading).await?;
    let due = Instant::now();
    screen.say("Nobody does anything. An application goes on recognizing, ten times a second.");
    wait(
        screen,
        stage,
        "--for=jsonpath={.status.current.revision}=2",
        "spmodel/claims",
    )
    .await?;
    let trained = due.elapsed();
    stage.kubectl(screen, &["get", "spep", HOTLINE]).await?;
    wait(
        screen,
        stage,
        "--for=jsonpath={.status.active.revision}=2",
        "spep/claims-hotline",
    )
    .await?;
    let swapped = due.elapsed().saturating_sub(trained);
    let second = current_model(stage, 2).await?;
    let answers_enough = eventually("revision 2 answers", DEADLINE, async || {
        let heard = application.heard();
        let by_second = heard.iter().filter(|answer| is_answer(answer, &second.id)).count();
        if by_second >= 10 {
            Ok(())
        } else {
            Err(format!("{:?}", heard.last()))
        }
    });
    screen.during("revision 2 answers", answers_enough).await?;
    let heard = application.heard();
    drop(application);
    stage.kubectl(screen, &["get", "spep", HOTLINE]).await?;
    answered(screen, &tale.service, HOTLINE, &tale.hotline, &second.id, "revision 2").await?;
    no_gap(screen, tale, &second, &heard)?;
    always_ready(screen, stage, tale, HOTLINE, &tale.hotline).await?;
    Ok(Swap {
        second,
        recognitions: heard.len(),
        trained,
        swapped,
    })
}

/// An application that recognized all the time heard revision 1, then revision 2, and nothing else.
fn no_gap(
    screen: &mut Screen,
    tale: &Tale,
    second: &Model,
    heard: &[Result<Recognition, String>],
) -> Result<(), DemoError> {
    let by = |model: &Model| heard.iter().filter(|answer| is_answer(answer, &model.id)).count();
    let (by_first, by_second) = (by(&tale.first), by(second));
    let in_order = heard
        .iter()
        .skip_while(|answer| is_answer(answer, &tale.first.id))
        .all(|answer| is_answer(answer, &second.id));
    let expected = "all recognitions during the swap answered, first by revision 1, then by revision 2";
    demand(in_order && by_first > 0 && by_second > 0, expected, || {
        let other = heard
            .iter()
            .find(|answer| !is_answer(answer, &tale.first.id) && !is_answer(answer, &second.id));
        format!(
            "{by_first} by revision 1, {by_second} by revision 2 of {}; {other:?}",
            heard.len()
        )
    })?;
    screen.good(&format!(
        "{} recognitions while it trained and swapped: {by_first} answered by revision 1, then {by_second} by revision 2, none lost",
        heard.len()
    ));
    Ok(())
}

fn is_answer(answer: &Result<Recognition, String>, model: &str) -> bool {
    matches!(answer, Ok(answer) if answer.status == 200 && answer.model == model && !answer.is_fallback)
}

/// Shows that every version of the endpoint object since it was Ready first was Ready, with the same id.
async fn always_ready(screen: &mut Screen, stage: &Stage, tale: &Tale, name: &str, id: &str) -> Result<(), DemoError> {
    let versions = still_ready(stage, tale, name, id).await?;
    screen.good(&format!(
        "{name}: same id, and Ready stayed True in all {} versions of the object that a watch saw since the first day:",
        versions.len()
    ));
    let summaries: Vec<String> = versions.iter().map(Version::summary).collect();
    screen.output(&summaries.join("\n"));
    Ok(())
}

/// Demands it, of all versions up to the present one.
async fn still_ready(stage: &Stage, tale: &Tale, name: &str, id: &str) -> Result<Vec<Version>, DemoError> {
    let now = stage.object(&format!("spep/{name}")).await?;
    let current = text(&now, "/metadata/resourceVersion");
    let caught_up = eventually("the watch tells of the present version", DEADLINE, async || {
        let versions = tale.versions.of(name);
        let is_there = versions.iter().any(|version| version.resource_version == current);
        if is_there {
            Ok(versions)
        } else {
            Err(format!("{:?}", versions.last()))
        }
    });
    let versions = caught_up.await?;
    let expected = format!("{name} is Ready with id {id} in every version since it was Ready first");
    let wrong = versions
        .iter()
        .find(|version| version.ready.0 != "True" || version.id != id);
    demand(wrong.is_none() && versions.len() > 1, &expected, || {
        format!("{wrong:?} among {} versions", versions.len())
    })?;
    Ok(versions)
}

async fn expiry(screen: &mut Screen, stage: &Stage, tale: &Tale, second: &Model) -> Result<(), DemoError> {
    travel(
        screen,
        stage,
        "2028-04-16T09:00:00Z",
        &format!("Revision 1 has expired on {}", day(&tale.first.expires)),
    )
    .await?;
    let now = stage.control().now().await?.to_string();
    demand(
        tale.first.expires < now && now < second.expires,
        "a day between the dates of both revisions",
        || now.clone(),
    )?;
    answered(screen, &tale.service, HOTLINE, &tale.hotline, &second.id, "revision 2").await?;
    let old = tale.service.recognize(&tale.by_hand).await?;
    let base_models = tale.service.base_models().await?;
    let base = base_models
        .iter()
        .find(|(id, _)| *id == old.model)
        .map(|(_, name)| name.clone());
    let silent = old.status == 200 && old.says == "Success" && old.is_fallback;
    let Some(base) = base.filter(|_| silent) else {
        return Err(DemoError::Untrue {
            expected: "the endpoint made by hand answers 200 by a base model, silently".to_owned(),
            found: format!("{old:?}"),
        });
    };
    screen.bad(&format!(
        "by hand: {} {}, but base model {base} answers. No error, no warning: only worse transcripts",
        old.status, old.says
    ));
    Ok(())
}

async fn summarize(screen: &mut Screen, stage: &Stage, tale: &Tale, swap: &Swap) -> Result<(), DemoError> {
    screen.act("What was proven");
    screen.in_picture(false);
    stage.kubectl(screen, &["get", "speech"]).await?;
    screen.in_picture(true);
    let hotline = still_ready(stage, tale, HOTLINE, &tale.hotline).await?;
    let dictation = still_ready(stage, tale, DICTATION, &tale.dictation).await?;
    screen.good(&format!(
        "revision 2 was trained {:.1} s after the day had come and served {:.1} s later (the service itself takes 4 s and 3 s here)",
        swap.trained.as_secs_f64(),
        swap.swapped.as_secs_f64()
    ));
    screen.good(&format!(
        "{} recognitions meanwhile: none lost, none by another model",
        swap.recognitions
    ));
    screen.good(&format!(
        "both endpoints kept their ids, and were Ready in all versions ({} and {}) from the first day to the last",
        hotline.len(),
        dictation.len()
    ));
    screen.bad("the endpoint that was left alone fell back to the base model, silently");
    let today = day(&stage.control().now().await?.to_string());
    let seconds = screen.elapsed().as_secs();
    screen.line(Style::Bold, &format!("Two years, until {today}, in {seconds} s."));
    Ok(())
}

/// Lets the service's clock jump.
pub async fn travel(screen: &mut Screen, stage: &Stage, to: &str, heading: &str) -> Result<(), DemoError> {
    let at = to.parse().map_err(|_| DemoError::Untrue {
        expected: "a time in the story".to_owned(),
        found: to.to_owned(),
    })?;
    let now = stage.control().set_now(at).await?;
    screen.act(&format!("{}  {heading}", day(&now.to_string())));
    Ok(())
}

pub async fn wait(screen: &mut Screen, stage: &Stage, what: &str, object: &str) -> Result<(), DemoError> {
    let timeout = format!("--timeout={}s", DEADLINE.as_secs());
    let arguments: Vec<&str> = ["wait", what]
        .into_iter()
        .chain(object.split(' '))
        .chain([&*timeout])
        .collect();
    stage.kubectl(screen, &arguments).await.map(drop)
}

/// Recognizes once and demands that this model answers.
async fn answered(
    screen: &mut Screen,
    service: &Service,
    endpoint: &str,
    id: &str,
    model: &str,
    name: &str,
) -> Result<(), DemoError> {
    let answer = service.recognize(id).await?;
    let is_right = answer.status == 200 && answer.model == model && !answer.is_fallback;
    demand(is_right, &format!("{endpoint} answered by {name} ({model})"), || {
        format!("{answer:?}")
    })?;
    screen.good(&format!(
        "{endpoint}: recognition {} {}, answered by {name} ({model})",
        answer.status, answer.says
    ));
    Ok(())
}

async fn current_model(stage: &Stage, revision: i64) -> Result<Model, DemoError> {
    let object = stage.object("spmodel/claims").await?;
    let found = object
        .pointer("/status/current/revision")
        .and_then(serde_json::Value::as_i64);
    demand(
        found == Some(revision),
        &format!("revision {revision} is current"),
        || format!("{found:?}"),
    )?;
    Ok(Model {
        id: text(&object, "/status/current/id"),
        uri: text(&object, "/status/current/self"),
        expires: text(&object, "/status/current/expiresAt"),
    })
}

pub fn day(timestamp: &str) -> String {
    timestamp.split('T').next().unwrap_or_default().to_owned()
}
