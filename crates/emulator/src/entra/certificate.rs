//! The authority's certificate, and the certificate authority of its own that signs it.
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{net::IpAddr, sync::Arc};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot use the certificate: {0}")]
    Use(#[from] rustls::Error),
}

/// What the authority shows to its clients; created at each start.
#[derive(Debug)]
pub struct Credentials {
    /// The root that clients have to trust, in PEM.
    pub root: String,
    /// With the certificate and its key.
    pub server: Arc<ServerConfig>,
}

impl Credentials {
    /// A certificate for an address, and for `localhost`.
    pub fn new(address: IpAddr) -> Result<Self, CertificateError> {
        let mut root = CertificateParams::default();
        root.distinguished_name.push(DnType::CommonName, "speech-emulator root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([address.to_string(), "localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "speech-emulator");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &root)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self {
            root: root.pem(),
            server: Arc::new(server),
        })
    }
}
