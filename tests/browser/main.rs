//! The fleet page in a real browser: a headless Chromium against the routes of the operator, which serve a sample fleet.
//! `tests/browser/install.sh` puts the browser there. Each run leaves its pictures in `target/browser`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod chromium;
#[path = "../../src/fleet_page/sample.rs"]
mod sample;

use chromium::{Chromium, DARK, LIGHT, Look, NARROW, NARROW_DARK};
use sample::{NOW, Sample, fleet, many};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use speech_fleet::fleet::Objects;
use speech_operator::fleet_page::{Audience, Facts, routes};
use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// Serves a fleet on a port of its own; gives the URL of the page.
async fn serve(sample: Sample) -> String {
    fn read<K: DeserializeOwned>(all: &[Value]) -> Vec<K> {
        all.iter()
            .map(|one| serde_json::from_value(one.clone()).unwrap())
            .collect()
    }
    let objects = Objects {
        connections: read(&sample.connections),
        models: read(&sample.models),
        endpoints: read(&sample.endpoints),
    };
    let facts = move || {
        let (objects, now) = (objects.clone(), NOW.parse().unwrap());
        Some(Facts {
            objects,
            now,
            leads: true,
        })
    };
    let router = routes(Audience::Loopback, Arc::new(facts));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}/fleet")
}

/// Waits until an expression is true.
async fn until(browser: &mut Chromium, expression: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while browser.value(expression).await != json!(true) {
        assert!(Instant::now() < deadline, "never true: {expression}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The lowest contrast of any text with what lies behind it, and where; of drawings too. WCAG 2.2, success criterion 1.4.3.
const LOWEST_CONTRAST: &str = r#"(() => {
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a)); };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(rgb(getComputedStyle(e).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  let lowest = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("title, desc, style, .unseen, .skip, option")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    let back = behind(element.closest("svg")?.parentElement ?? element);
    if (element.matches(".in-bar")) back = rgb(getComputedStyle(element.previousElementSibling).fill);
    else if (element.closest("svg")?.querySelector(".stripe")) back = rgb(getComputedStyle(element.closest("svg").querySelector(".stripe")).fill);
    const color = element.closest("svg") ? rgb(style.fill) : over(rgb(style.color), back);
    const found = ratio(color, back);
    count += 1;
    if (found < lowest[0]) lowest = [found, element.outerHTML.slice(0, 120)];
  }
  return [...lowest, count];
})()"#;

#[tokio::test]
async fn it_is_read_well_in_light_and_dark_wide_and_narrow_and_nothing_is_complained_of() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    for (name, look) in [
        ("light", LIGHT),
        ("dark", DARK),
        ("narrow-light", NARROW),
        ("narrow-dark", NARROW_DARK),
        ("middle-light", Look { width: 1024, ..LIGHT }),
    ] {
        browser.look(look).await;
        browser.open(&url).await;
        let overflow = browser.value("document.documentElement.scrollWidth - innerWidth").await;
        assert!(overflow.as_i64().unwrap() <= 0, "{name}: {overflow} pixels are cut off");
        let lowest = browser.value(LOWEST_CONTRAST).await;
        assert!(lowest[2].as_u64().unwrap() > 300, "all texts are looked at: {lowest}");
        assert!(lowest[0].as_f64().unwrap() >= 4.5, "{name}: {lowest}");
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
        browser.picture(&format!("{name}-top"), Some(look.height)).await;
        let picture = browser.picture(name, None).await;
        println!(
            "{name}: {} ({} KiB)",
            picture.display(),
            picture.metadata().unwrap().len() / 1024
        );
    }
}

/// The pictures of docs/fleet-page.md, taken anew by `make fleet-page-docs`.
#[tokio::test]
async fn the_pictures_of_the_documentation_are_small_and_can_be_taken_anew() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    for (name, look) in [("fleet-page-light", LIGHT), ("fleet-page-dark", DARK)] {
        browser.look(Look { width: 1400, ..look }).await;
        browser.open(&url).await;
        until(&mut browser, "document.querySelector('.to-copy') !== null").await;
        let picture = browser.picture(name, Some(960)).await;
        let size = picture.metadata().unwrap().len();
        println!("{name}: {} KiB", size / 1024);
        assert!((20_000..200_000).contains(&size), "{name}: {size} bytes");
        if let Some(folder) = std::env::var_os("FLEET_PAGE_PICTURES") {
            std::fs::copy(&picture, Path::new(&folder).join(format!("{name}.png"))).unwrap();
        }
    }
}

#[tokio::test]
async fn no_name_of_a_model_runs_or_shows_a_picture() {
    let bad =
        r#"<script>window.owned = 1</script><img src="x" onerror="window.owned = 2">"><svg onload="window.owned = 3">"#;
    let mut sample = fleet();
    for object in &mut sample.endpoints {
        object["status"]["active"]["name"] = bad.into();
        object["status"]["conditions"][0]["message"] = bad.into();
        object["status"]["links"] = json!({"webSocket": bad, bad: "javascript:alert(1)"});
        for step in object["status"]["plan"].as_array_mut().unwrap() {
            step["to"] = bad.into();
            step["risk"] = bad.into();
        }
    }
    let url = serve(sample).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    browser.open(&url).await;
    let shown = browser
        .value("document.querySelector('tbody td:nth-child(4)').textContent")
        .await;
    assert!(shown.as_str().unwrap().starts_with("<script>window.owned"), "{shown}");
    assert_eq!(
        browser
            .value("[typeof window.owned, document.images.length, document.scripts.length]")
            .await,
        json!(["undefined", 0, 1])
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // And if something ever slipped through, the policy would stop it.
    let slipped = "(() => { const b = document.createElement('button'); try { b.setAttribute('onclick', 'window.owned = 4'); } \
                   catch { return 'refused'; } document.body.append(b); b.click(); return typeof window.owned; })()";
    assert_eq!(browser.value(slipped).await, "refused");
    let told = browser.event("Audits.issueAdded").await.to_string();
    assert!(told.contains("ContentSecurityPolicy"), "{told}");
}

#[tokio::test]
async fn without_scripts_the_form_filters_and_every_url_can_be_read() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    browser
        .call("Emulation.setScriptExecutionDisabled", json!({"value": true}))
        .await;
    browser.open(&url).await;
    let dead = "[...document.querySelectorAll('.to-copy, thead button, .search')].map((e) => e.outerHTML)";
    assert_eq!(browser.value(dead).await, json!([]), "nothing is dead");
    for (name, look) in [("without-scripts-narrow", NARROW), ("without-scripts", LIGHT)] {
        browser.look(look).await;
        browser.picture(name, Some(2 * look.height)).await;
    }
    assert_eq!(browser.value("document.querySelector('details').open").await, false);
    browser.click("details summary").await;
    until(&mut browser, "document.querySelector('details code').checkVisibility()").await;
    browser
        .value("document.querySelector('[name=namespace]').value = 'clinics'")
        .await;
    browser.forget();
    browser.click(".filters button").await;
    browser.event("Page.loadEventFired").await;
    until(
        &mut browser,
        "location.search.startsWith('?namespace=clinics') && document.readyState === 'complete'",
    )
    .await;
    assert_eq!(browser.value("document.querySelectorAll('tbody tr').length").await, 2);
    assert_eq!(
        browser.value("document.querySelector('[name=namespace]').value").await,
        "clinics"
    );
}

#[tokio::test]
async fn with_scripts_filters_act_at_once_columns_sort_rows_are_searched_and_urls_are_copied() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    browser.open(&url).await;
    let names = "[...document.querySelectorAll('section[aria-labelledby=endpoints] tbody tr:not([hidden]) .object')].map((e) => e.textContent)";
    let first = format!("{names}[0]");
    assert_eq!(
        browser.value(&first).await,
        "contact-center/callback",
        "the most urgent"
    );
    browser.click("thead th:nth-child(1) button").await;
    assert_eq!(browser.value(&first).await, "claims/fraud-desk");
    assert_eq!(
        browser
            .value("document.querySelector('thead th').getAttribute('aria-sort')")
            .await,
        "ascending"
    );
    browser.click("thead th:nth-child(1) button").await;
    assert_eq!(browser.value(&first).await, "letters/dictation-board");
    browser.click("thead th:nth-child(5) button").await;
    assert_eq!(
        browser.value(&first).await,
        "contact-center/callback",
        "what expires first"
    );

    browser.click(".search input").await;
    browser.call("Input.insertText", json!({"text": "radiology"})).await;
    assert_eq!(browser.value(names).await, json!(["clinics/dictation-radiology"]));
    assert_eq!(
        browser
            .value("document.querySelector('p[role=status].unseen').textContent")
            .await,
        "1 of 24 rows"
    );

    browser.open(&url).await;
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.call("Browser.grantPermissions", permissions).await;
    // A row has its buttons once it comes near, as the most urgent one is.
    let button = "button.to-copy[aria-label='Copy WebSocket of contact-center/callback']";
    until(&mut browser, &format!("document.querySelector({button:?}) !== null")).await;
    browser
        .value(&format!(
            "(() => {{ const b = document.querySelector({button:?}); window.names = []; \
             new MutationObserver(() => window.names.push(b.textContent)).observe(b, {{childList: true}}); }})()"
        ))
        .await;
    browser.click(button).await;
    until(
        &mut browser,
        "[...document.querySelectorAll('.to-copy')].some((e) => e.textContent === 'Copied')",
    )
    .await;
    // A second click while it says so must not make that its name.
    browser.click(button).await;
    until(&mut browser, "window.names.length === 4").await;
    assert_eq!(browser.value("window.names[3]").await, "WebSocket");
    let copied = browser.value("navigator.clipboard.readText()").await;
    let copied = copied.as_str().unwrap();
    assert!(
        copied.starts_with("wss://") && copied.contains(".stt.speech.microsoft.com/"),
        "{copied}"
    );

    browser.forget();
    browser.value("(() => { const s = document.querySelector('[name=risk]'); s.value = 'any'; s.dispatchEvent(new Event('change', {bubbles: true})); })()")
        .await;
    browser.event("Page.loadEventFired").await;
    until(&mut browser, "location.search === '?risk=any'").await;
    assert_eq!(browser.value(&format!("{names}.length")).await, 6);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn on_a_narrow_screen_a_search_hides_cards_and_headings_that_have_the_focus_are_seen() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    browser.look(NARROW).await;
    browser.open(&url).await;
    let drawings = "[...document.querySelectorAll('.drawing')]";
    let scrolls = format!("{drawings}.every((e) => e.scrollWidth > e.clientWidth)");
    assert_eq!(browser.value(&scrolls).await, true);
    let hints = "[...document.querySelectorAll('.sideways')].filter((e) => e.checkVisibility()).length";
    assert_eq!(browser.value(hints).await, 2, "each drawing says that it scrolls");
    let tallest = |class: &str| {
        format!(
            "Math.max(...[...document.querySelectorAll('tr.{class}')].map((e) => e.getBoundingClientRect().height))"
        )
    };
    let (well, bad) = (
        browser.value(&tallest("well")).await,
        browser.value(&tallest("bad")).await,
    );
    assert!(
        well.as_f64().unwrap() < 240.0,
        "a card of what is well is {well} pixels high"
    );
    assert!(well.as_f64() < bad.as_f64(), "{well} and {bad}");
    let cards = "[...document.querySelectorAll('tbody tr')].filter((e) => e.checkVisibility()).length";
    assert_eq!(browser.value(cards).await, 24);
    browser.click(".search input").await;
    browser.call("Input.insertText", json!({"text": "radiology"})).await;
    assert_eq!(browser.value(cards).await, 1);
    let height = "document.querySelector('thead').getBoundingClientRect().height";
    assert_eq!(browser.value(height).await, 1);
    browser.value("document.querySelector('thead button').focus()").await;
    until(&mut browser, &format!("{height} > 20")).await;
    let overflow = browser.value("document.documentElement.scrollWidth - innerWidth").await;
    assert!(overflow.as_i64().unwrap() <= 0, "{overflow} pixels are cut off");
    browser.picture("narrow-search", None).await;
}

#[tokio::test]
async fn with_the_keyboard_a_list_is_stepped_through_and_the_button_shows_the_choice() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    browser.open(&url).await;
    browser.key("Tab", 9).await;
    assert_eq!(browser.value("document.activeElement.className").await, "skip");
    let seen = "document.activeElement.getBoundingClientRect().top >= 0";
    assert_eq!(
        browser.value(seen).await,
        true,
        "the way past the filters is seen once it has the focus"
    );

    browser
        .value("(() => { window.sent = 0; addEventListener('submit', () => { window.sent += 1; }); document.querySelector('[name=risk]').focus(); })()")
        .await;
    browser.key("ArrowDown", 40).await;
    until(&mut browser, "document.querySelector('[name=risk]').value === 'any'").await;
    assert_eq!(browser.value("window.sent").await, 0, "no new page at each step");
    browser.key("Tab", 9).await;
    assert_eq!(browser.value("document.activeElement.textContent").await, "Show");
    browser.forget();
    browser.key("Enter", 13).await;
    browser.event("Page.loadEventFired").await;
    until(&mut browser, "location.search === '?risk=any'").await;
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn who_hears_the_page_hears_tables_headings_and_the_words_of_the_drawings() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    // On a narrow screen the rows are cards and must still be rows.
    for look in [LIGHT, NARROW] {
        browser.look(look).await;
        browser.open(&url).await;
        until(&mut browser, "document.querySelectorAll('.to-copy').length >= 3").await;
        let tree = browser.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap();
        let named = |role: &str| -> Vec<String> {
            let of_role = nodes
                .iter()
                .filter(|node| node["role"]["value"] == role && node["ignored"] == false);
            of_role
                .map(|node| node["name"]["value"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(
            named("table"),
            ["Endpoints, the most urgent first", "Models, the most urgent first"]
        );
        assert_eq!(named("columnheader").len(), 18, "{:?}", named("columnheader"));
        assert!(
            named("rowheader").iter().any(|name| name.contains("claims/intake")),
            "{:?}",
            named("rowheader")
        );
        assert_eq!(named("cell").len(), 24 * 8);
        let drawings: Vec<_> = [named("image"), named("img")].concat();
        assert_eq!(drawings.len(), 2, "{drawings:?}");
        assert!(drawings[0].starts_with("Expiries, swaps and trainings by week Expiries: 24, 3 of them at risk"));
        assert!(drawings[1].contains("One line for each of 24 objects."), "{drawings:?}");
        assert_eq!(named("heading").len(), 5);
        assert!(
            named("button").iter().any(|name| name.starts_with("Risk")),
            "{:?}",
            named("button")
        );
        assert!(named("button").contains(&"Copy WebSocket of contact-center/callback".to_owned()));
        for select in ["Namespace", "Connection", "Locale", "Risk"] {
            assert!(
                named("combobox").contains(&select.to_owned()),
                "{:?}",
                named("combobox")
            );
        }
    }
}

#[tokio::test]
async fn a_bad_filter_is_told_in_words() {
    let url = serve(fleet()).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    browser
        .open(&format!("{url}?risk=%3Cscript%3Ealert(1)%3C/script%3E"))
        .await;
    let told = browser
        .value("document.querySelector('[role=alert]').textContent")
        .await;
    assert!(
        told.as_str()
            .unwrap()
            .contains("is no risk: write any, expired, at-risk, blocked or none"),
        "{told}"
    );
    browser.picture("refused", Some(400)).await;
}

#[tokio::test]
async fn a_thousand_rows_are_there_in_a_moment() {
    let url = serve(many(1000)).await;
    let mut browser = Chromium::start().await;
    browser.look(LIGHT).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        browser.open(&url).await;
        let times = "(() => { const t = performance.getEntriesByType('navigation')[0]; return [t.responseEnd - t.requestStart, t.loadEventEnd - t.requestStart]; })()";
        let times = browser.value(times).await;
        all.push((times[0].as_f64().unwrap(), times[1].as_f64().unwrap()));
    }
    let answered = all.iter().map(|times| times.0).fold(f64::MAX, f64::min);
    let loaded = all.iter().map(|times| times.1).fold(f64::MAX, f64::min);
    println!("1000 endpoints: answered in {answered:.0} ms, laid out and ready in {loaded:.0} ms");
    assert_eq!(
        browser.value("document.querySelectorAll('tbody tr').length").await,
        1006
    );
    browser.picture("thousand", Some(1400)).await;
    let bound = if cfg!(debug_assertions) { 10_000.0 } else { 200.0 };
    assert!(answered < bound, "{all:?}");
}
