//! TLS to PostgreSQL: each `sslmode` encrypts and asks as much as libpq's does.

use crocus_orm::{Engine, Error, ErrorKind, Statement};
use crocus_testing::{Cluster, TempDir, TestDatabase, tls};

use crate::database::assert_kind;

struct Fixture {
    cluster: Cluster,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let cluster = Cluster::builder().tls(tls::CERTIFICATE, tls::KEY).start().unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("our authority.pem"), tls::AUTHORITY).unwrap();
        // Some other certificate: it signed nothing.
        std::fs::write(folder.path().join("stranger.pem"), tls::CERTIFICATE).unwrap();
        std::fs::write(folder.path().join("empty.pem"), "").unwrap();
        Fixture { cluster, folder }
    }

    /// Whether the connection is encrypted.
    async fn connect(&self, host: &str, parameters: &str) -> Result<bool, Error> {
        let folder = self.folder.path().display();
        let parameters = parameters.replace("FOLDER", &folder.to_string());
        let port = self.cluster.port();
        let url = format!("postgresql://crocus:secret@{host}:{port}/postgres?{parameters}");
        let engine = Engine::connect(&url.parse()?).await?;
        let statement = Statement::read("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", []);
        engine.query(statement).await?[0].get(0)
    }
}

#[tokio::test]
async fn each_mode_encrypts_and_asks_what_it_says() {
    let server = Fixture::new();
    let ours = "sslrootcert=FOLDER/our%20authority.pem";
    for (host, parameters, encrypted) in [
        ("127.0.0.1", "sslmode=disable", false),
        ("127.0.0.1", "", true),
        ("127.0.0.1", "sslmode=prefer", true),
        ("127.0.0.1", "sslmode=require", true),
        ("127.0.0.1", &format!("sslmode=require&{ours}"), true),
        ("127.0.0.1", &format!("sslmode=verify-ca&{ours}"), true),
        ("127.0.0.1", &format!("sslmode=verify-full&{ours}"), true),
        ("localhost", &format!("{ours}&sslmode=verify-full"), true),
        // 127.0.0.1 again, by a name that the certificate does not have.
        ("127.1", &format!("sslmode=verify-ca&{ours}"), true),
        ("127.1", "sslmode=require", true),
    ] {
        let connected = server.connect(host, parameters).await;
        assert_eq!(connected.unwrap_or_else(|error| panic!("{host} {parameters}: {error}")), encrypted, "{parameters}");
    }

    let port = server.cluster.port();
    for (host, parameters, reason) in [
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=FOLDER/stranger.pem",
            "its certificate is not from a trusted authority",
        ),
        (
            "localhost",
            "sslmode=verify-ca&sslrootcert=FOLDER/stranger.pem",
            "its certificate is not from a trusted authority",
        ),
        (
            "localhost",
            "sslmode=require&sslrootcert=FOLDER/stranger.pem",
            "its certificate is not from a trusted authority",
        ),
        // The system's authorities do not know ours.
        ("localhost", "sslmode=verify-full", "its certificate is not from a trusted authority"),
        ("127.1", &format!("sslmode=verify-full&{ours}"), "its certificate is for another host"),
    ] {
        let error = assert_kind(server.connect(host, parameters).await, ErrorKind::Authentication);
        let expected = format!("PostgreSQL at {host}:{port} is not trusted: {reason}");
        assert!(error.to_string().starts_with(&expected), "{host} {parameters}: {error}");
        assert!(error.hint().unwrap().contains("sslrootcert"), "{:?}", error.hint());
    }

    for (file, reason) in [("missing.pem", "No such file"), ("empty.pem", "no certificate")] {
        let parameters = format!("sslmode=verify-full&sslrootcert=FOLDER/{file}");
        let error = server.connect("localhost", &parameters).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(file) && text.contains(reason) && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_enough_for_prefer_only() {
    let database = TestDatabase::postgres();
    let connect =
        async |mode: &str| Engine::connect(&format!("{}?sslmode={mode}", database.url()).parse().unwrap()).await;
    for mode in ["disable", "allow", "prefer"] {
        connect(mode).await.unwrap();
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = assert_kind(connect(mode).await, ErrorKind::Unavailable);
        assert!(error.to_string().ends_with("the server does not offer TLS"), "{error}");
        assert!(error.hint().unwrap().contains("sslmode"), "{:?}", error.hint());
    }
}

/// What a server asks of its clients is its affair: `disable` is refused by one that insists.
#[tokio::test]
async fn a_server_that_insists_on_tls_refuses_disable() {
    let server = Fixture::new();
    let hba = server.cluster.folder().join("data/pg_hba.conf");
    std::fs::write(hba, "hostssl all all all scram-sha-256\n").unwrap();
    server.cluster.psql("postgres", "SELECT pg_reload_conf()").unwrap();
    assert!(server.connect("127.0.0.1", "sslmode=prefer").await.unwrap());
    let error = assert_kind(server.connect("127.0.0.1", "sslmode=disable").await, ErrorKind::Authentication);
    assert!(error.to_string().contains("no encryption"), "{error}");
}

/// A query given up is cancelled over TLS as well.
#[tokio::test]
async fn an_abandoned_query_is_cancelled_over_tls() {
    let server = Fixture::new();
    let port = server.cluster.port();
    let url = format!("postgresql://crocus:secret@localhost:{port}/postgres?sslmode=require");
    let engine = Engine::connect(&url.parse().unwrap()).await.unwrap();
    let sleep = engine.query(Statement::read("SELECT pg_sleep(300)", []));
    tokio::time::timeout(std::time::Duration::from_millis(300), sleep).await.unwrap_err();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)' AND state = 'active'";
    crate::database::soon(async {
        while server.cluster.psql("postgres", sql).unwrap() != "0" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}
