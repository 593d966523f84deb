//! Proxies: for the Speech resource and for the cluster, by variable and by kubeconfig, alive and dead.
use crate::{
    harness::{ConnectProxy, KUBECTL_SPEECH, OPERATOR, OperatorProcess, condition, free_address, in_time},
    seed::MODEL,
    stack::{SOON, Stack, alone, shared},
};
use serde_json::json;
use std::{path::Path, process::Stdio};

/// What a command says, and its exit code.
async fn said(program: &Path, args: &[&str], kubeconfig: &Path, env: &[(&str, &str)]) -> (i32, String) {
    let mut command = tokio::process::Command::new(program);
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .args(args)
        .env("KUBECONFIG", kubeconfig)
        .envs(env.iter().copied());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn kubeconfig(stack: &Stack) -> std::path::PathBuf {
    stack.plane.operator_kubeconfig().await.unwrap()
}

#[test]
fn the_cluster_is_reached_by_the_proxy_of_a_variable_unless_no_proxy_names_it() {
    shared("proxy-cluster", async |_, stack| {
        let kubeconfig = kubeconfig(stack).await;
        let proxy = ConnectProxy::start().await.unwrap();
        let commands: [(&Path, &[&str]); 2] = [
            (&KUBECTL_SPEECH, &["status", "-n", "proxy-cluster"]),
            (&OPERATOR, &["plan", "-n", "proxy-cluster"]),
        ];
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            for (program, args) in commands {
                let before = proxy.asked().len();
                let (_, text) = said(program, args, &kubeconfig, &[(variable, &proxy.url())]).await;
                assert!(!text.contains("does not answer") && !text.contains("feature"), "{text}");
                let asked = proxy.asked();
                assert!(
                    asked.len() > before && asked[before].starts_with("CONNECT "),
                    "{variable}: {asked:?}"
                );
            }
        }
        // A dead one is named with its variable and without its password.
        let dead = free_address().unwrap();
        let dead_url = format!("http://me:SECRET@{dead}");
        for (program, args) in commands {
            let (code, text) = said(program, args, &kubeconfig, &[("HTTPS_PROXY", &dead_url)]).await;
            assert_ne!(code, 0, "{text}");
            let named = format!("the proxy http://{dead} (HTTPS_PROXY)");
            assert!(text.contains(&named) && !text.contains("SECRET"), "{text}");
            let env = [("HTTPS_PROXY", dead_url.as_str()), ("NO_PROXY", "127.0.0.1,localhost")];
            let (_, text) = said(program, args, &kubeconfig, &env).await;
            assert!(!text.contains("does not answer"), "{text}");
        }
    });
}

#[test]
fn the_cluster_is_reached_by_the_proxy_of_the_kubeconfig() {
    shared("proxy-kubeconfig", async |_, stack| {
        let text = std::fs::read_to_string(kubeconfig(stack).await).unwrap();
        let with = |proxy: &str| {
            let mut config: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            config["clusters"][0]["cluster"]["proxy-url"] = json!(proxy);
            let folder = crate::harness::Folder::new("proxy").unwrap();
            let file = folder.path().join("config");
            std::fs::write(&file, config.to_string()).unwrap();
            (folder, file)
        };
        let args = ["status", "-n", "proxy-kubeconfig"];
        let proxy = ConnectProxy::start().await.unwrap();
        let (_folder, file) = with(&proxy.url());
        let (_, told) = said(&KUBECTL_SPEECH, &args, &file, &[]).await;
        assert!(!told.contains("does not answer") && !proxy.asked().is_empty(), "{told}");
        let dead = free_address().unwrap();
        let (_folder, file) = with(&format!("http://{dead}"));
        let (_, told) = said(&KUBECTL_SPEECH, &args, &file, &[]).await;
        assert!(
            told.contains(&format!("the proxy http://{dead} (proxy-url of the kubeconfig)")),
            "{told}"
        );
    });
}

#[test]
fn a_speech_resource_is_reached_by_the_proxy_and_a_dead_one_is_told() {
    alone("proxy-speech", async |case, stack| {
        let proxy = ConnectProxy::start().await.unwrap();
        let dead = format!("http://{}", free_address().unwrap());
        let start = async |stack: &mut Stack, url: &str| {
            stack.kill_operator();
            stack.is_usual = false;
            let clock = stack.emulator.control().clock_url();
            let kubeconfig = kubeconfig(stack).await;
            // The cluster is on loopback as well, and the clock; only the Speech resource goes by the proxy.
            let env = [("HTTP_PROXY", url), ("NO_PROXY", "localhost")];
            let options = ["--allow-http", "--development-clock", &clock];
            let mut operator = OperatorProcess::start_unready_with_env(&OPERATOR, &kubeconfig, &options, &env).unwrap();
            operator.wait_until_ready(SOON).await.unwrap();
            stack.operator = operator;
        };
        start(stack, &proxy.url()).await;
        case.connect("5s").await;
        case.endpoint("hotline", json!({"model": {"id": MODEL}})).await;
        case.serves("hotline", MODEL).await;
        // A proxy notes the first request of each connection; those of all namespaces share them.
        let asked = proxy.asked();
        assert!(asked.iter().any(|line| line.contains(case.base_url())), "{asked:?}");
        start(stack, &dead).await;
        in_time("the dead proxy is named", SOON, async || {
            let connection = case.get("SpeechConnection", "speech").await;
            let message = condition(&connection, "Ready")["message"].to_string();
            if message.contains(&format!("the proxy {dead} (HTTP_PROXY)")) {
                return Ok(());
            }
            Err(message)
        })
        .await;
        stack.kill_operator();
        stack.restart_operator().await;
        case.ready("SpeechConnection", "speech").await;
    });
}
