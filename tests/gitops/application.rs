//! The page's Application, judged by a real API server with Argo CD's own definition.
use crate::{definitions::define, harness::installed, page, stack::shared};

#[test]
fn the_application_of_the_page_is_one_that_argo_cd_takes() {
    shared("gitops-application", async |_, stack| {
        let folder = installed("tests/argocd").unwrap_or_else(|error| panic!("{error}"));
        let plane = &stack.plane;
        define(plane, &folder.join("application-crd.yaml")).await;
        plane.kubectl_ok(&["create", "namespace", "argocd"]).await.unwrap();
        let strict = ["apply", "--dry-run=server", "--validate=strict", "--filename", "-"];
        let application = page::files()["argocd/speech.yaml"];
        let taken = plane.kubectl_stdin(&strict, application).await.unwrap();
        assert!(taken.success(), "{taken:?}");
        let misspelt = application.replace("selfHeal", "selfHeel");
        let refused = plane.kubectl_stdin(&strict, &misspelt).await.unwrap();
        assert!(refused.stderr.contains("selfHeel"), "{refused:?}");
    });
}
