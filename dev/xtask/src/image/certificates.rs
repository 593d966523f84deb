//! The roots that the program trusts where nobody mounts others: Mozilla's, from a crate of a pinned version.
//!
//! TLS to the Speech service and to Entra ID reads the system's bundle, and an empty image has none. The program itself holds
//! no roots, so that `SSL_CERT_FILE` replaces all of them.
use pem::{EncodeConfig, LineEnding, Pem};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Where programs look for the bundle first.
pub const PATH: &str = "etc/ssl/certs/ca-certificates.crt";
/// The licence of the data asks that its text goes with it, or can be found.
const HEAD: &str = "# Mozilla's roots for TLS servers, from the crate webpki-root-certs.\n\
                    # Licence: CDLA-Permissive-2.0, https://cdla.dev/permissive-2-0/\n";

/// The bundle as PEM.
pub fn bundle() -> String {
    let encoding = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let roots = TLS_SERVER_ROOT_CERTS.iter();
    let roots = roots.map(|root| pem::encode_config(&Pem::new("CERTIFICATE", root.to_vec()), encoding));
    roots.fold(HEAD.to_owned(), |bundle, root| bundle + &root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_has_all_roots_and_those_of_azure() {
        let roots = pem::parse_many(bundle()).unwrap();
        assert_eq!(roots.len(), TLS_SERVER_ROOT_CERTS.len());
        for name in [
            "DigiCert Global Root G2",
            "Microsoft RSA Root Certificate Authority 2017",
        ] {
            let has_name = |root: &Pem| {
                root.contents()
                    .windows(name.len())
                    .any(|window| window == name.as_bytes())
            };
            assert!(roots.iter().any(has_name), "{name}");
        }
    }
}
