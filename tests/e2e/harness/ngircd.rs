//! A real IRC server, and a certificate authority for it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{directory, end, free_port, program, text_of, wait_for};

/// ngircd on a plain port and, with an [`Authority`], on a TLS port too.
pub(crate) struct Ngircd {
    /// The port without encryption.
    pub(crate) port: u16,
    /// The port with TLS; nothing listens there without an authority.
    pub(crate) tls_port: u16,
    folder: TempDir,
    child: Child,
}

impl Ngircd {
    /// Starts a server without TLS.
    pub(crate) fn start() -> Self {
        Self::configured(None)
    }

    /// Starts a server that also has a TLS port, with a certificate of `authority`.
    pub(crate) fn start_with_tls(authority: &Authority) -> Self {
        Self::configured(Some(authority))
    }

    fn configured(authority: Option<&Authority>) -> Self {
        let folder = directory();
        let (port, tls_port) = (free_port(), free_port());
        let mut config = format!(
            "[Global]\nName = irc.test.example\nInfo = tests of irc-speak\nListen = 127.0.0.1\n\
             Ports = {port}\nMotdPhrase = welcome\nServerUID = root\nServerGID = root\n\
             [Limits]\nMaxConnectionsIP = 0\nMaxPenaltyTime = 0\nMaxNickLength = 20\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n"
        );
        if let Some(authority) = authority {
            let (certificate, key) = (authority.file("server.pem"), authority.file("server.key"));
            let tls = format!(
                "[SSL]\nPorts = {tls_port}\nCertFile = {}\nKeyFile = {}\n",
                certificate.display(),
                key.display()
            );
            config.push_str(&tls);
        }
        std::fs::write(folder.path().join("ngircd.conf"), config).expect("a configuration file");
        let child = spawn(folder.path());
        let mut server = Self { port, tls_port, folder, child };
        server.wait_listening();
        server
    }

    /// Kills it, as a power cut would: without a farewell to clients.
    pub(crate) fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts it again, on the same ports.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.folder.path());
        self.wait_listening();
    }

    fn wait_listening(&mut self) {
        let log = self.folder.path().join("ngircd.log");
        wait_for(
            "ngircd listens",
            || text_of(&log),
            || {
                let ended = self.child.try_wait().expect("ngircd can be waited for");
                assert!(ended.is_none(), "ngircd ended:\n{}", text_of(&log));
                TcpStream::connect(("127.0.0.1", self.port)).ok()
            },
        );
    }
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("ngircd.log"));
    let log = log.expect("a file for ngircd's log");
    let mut command = program("ngircd", "ngircd");
    command.arg("-n").arg("-f").arg(folder.join("ngircd.conf")).stderr(Stdio::null()).stdout(log);
    command.spawn().expect("ngircd can be started")
}

/// A certificate authority of the test's own, with a certificate for 127.0.0.1 and localhost.
pub(crate) struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Makes the authority and the server's certificate.
    pub(crate) fn new() -> Self {
        let authority = Self { folder: directory() };
        let openssl = |arguments: &str| {
            let output = program("openssl", "openssl")
                .args(arguments.split(' '))
                .current_dir(authority.folder.path())
                .output()
                .expect("openssl can be started");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "openssl {arguments}: {said}");
        };
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost\n\
                     basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n";
        std::fs::write(authority.file("names"), names).expect("a file of extensions");
        let elliptic = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!(
            "req -x509 {elliptic} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority-of-a-test"
        ));
        openssl(&format!("req {elliptic} -keyout server.key -out server.csr -subj /CN=localhost"));
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile names -out server.pem",
        );
        authority
    }

    /// The authority's own certificate: what a client is to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.file("ca.pem")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
