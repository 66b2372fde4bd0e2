//! A real Apache Kafka: one broker in KRaft mode on free ports of the loopback, one per test process.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::scratch::{self, must};

/// A running broker.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Its address for clients without encryption.
    pub bootstrap: String,
    /// Its version; `None` for a broker that was not started here.
    pub version: Option<String>,
    /// Its address for clients with encryption and a password; `None` for a broker that was not started here.
    pub secure: Option<SecureListener>,
}

/// A listener with TLS and SCRAM-SHA-512.
#[derive(Clone, Debug)]
pub struct SecureListener {
    /// Address.
    pub bootstrap: String,
    /// Certificate of the authority, PEM.
    pub ca_file: PathBuf,
    /// User.
    pub username: String,
    /// File of the user's password.
    pub password_file: PathBuf,
}

const USER: &str = "hub";
const PASSWORD: &str = "not-a-secret-only-tests";
const CLUSTER_ID: &str = "aXN0aG11cy10ZXN0LTAwMQ";
const START_MAX: Duration = Duration::from_secs(120);

/// A virtual machine that is small and quick to start.
const SMALL: [&str; 4] = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/// A virtual machine as Kafka's own scripts set it up, so that a measurement does not flatter what is compared with it.
const SERVING: [&str; 4] = ["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"];

/// The broker of this test process; started at the first call, or the one that `KAFKA_BOOTSTRAP` names. `None` when
/// there is no Kafka on this machine: the test says so loudly and ends.
///
/// # Panics
/// When Kafka does not start, and when it is missing while `CI=true`.
pub async fn kafka() -> Option<&'static Kafka> {
    kafka_in(&SMALL).await
}

/// As [`kafka`], on a virtual machine as in service: slower to start and faster to run. For measurements.
///
/// # Panics
/// As [`kafka`].
pub async fn kafka_in_service() -> Option<&'static Kafka> {
    kafka_in(&SERVING).await
}

/// The one broker of this process; the first caller's virtual machine counts.
async fn kafka_in(machine: &'static [&'static str]) -> Option<&'static Kafka> {
    static KAFKA: OnceCell<Option<Kafka>> = OnceCell::const_new();
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let kafka = KAFKA.get_or_init(|| find_or_start(machine)).await.as_ref();
    if kafka.is_none() {
        let missing =
            "Apache Kafka is not there (run .ci/kafka/fetch, or set KAFKA_LIBS, KAFKA_HOME or KAFKA_BOOTSTRAP)";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
        let skipped = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        // Past the capture of the test runner, so that it is seen for a passing test too.
        let _ = writeln!(io::stderr(), "SKIPPED, {skipped} tests: {missing}");
    }
    kafka
}

async fn find_or_start(machine: &'static [&'static str]) -> Option<Kafka> {
    if let Ok(bootstrap) = std::env::var("KAFKA_BOOTSTRAP") {
        return Some(Kafka { bootstrap, version: None, secure: None });
    }
    let libs = libs()?;
    let started = tokio::task::spawn_blocking(move || start(&libs, machine)).await;
    Some(must(started, "starting Apache Kafka").0)
}

fn libs() -> Option<PathBuf> {
    let configured = std::env::var_os("KAFKA_LIBS").map(PathBuf::from);
    let home = std::env::var_os("KAFKA_HOME").map(|home| PathBuf::from(home).join("libs"));
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/kafka/libs");
    [configured, home, Some(fetched)].into_iter().flatten().find(|dir| version(dir).is_some())
}

/// The version in the name of Kafka's own jar: `kafka_<Scala's version>-<version>.jar`.
fn version(libs: &Path) -> Option<String> {
    let entries = fs::read_dir(libs).into_iter().flatten().flatten();
    entries.into_iter().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_prefix("kafka_2")?.strip_suffix(".jar")?.split_once('-')?.1;
        Some(version.to_owned())
    })
}

/// A broker of its own for one test, which can be killed and comes back on the same address with what it holds.
#[derive(Debug)]
pub struct Broker {
    kafka: Kafka,
    launch: Launch,
    process: Child,
}

impl Broker {
    /// Starts a broker. `None` when there is no Kafka on this machine, as with [`kafka`].
    ///
    /// # Panics
    /// As [`kafka`].
    pub async fn start() -> Option<Self> {
        let Some(libs) = libs() else {
            // Says so, and panics where it must be there.
            kafka().await;
            return None;
        };
        let (kafka, launch, process) =
            must(tokio::task::spawn_blocking(move || start(&libs, &SMALL)).await, "starting Apache Kafka");
        Some(Self { kafka, launch, process })
    }

    /// Its address.
    pub fn bootstrap(&self) -> &str {
        &self.kafka.bootstrap
    }

    /// Ends it in whatever it is doing, and starts it again.
    ///
    /// # Panics
    /// When it does not come back.
    pub async fn kill_and_restart(&mut self) {
        must(self.process.kill(), "killing Apache Kafka");
        must(self.process.wait(), "waiting for Apache Kafka");
        let launch = self.launch.clone();
        let restarted = must(tokio::task::spawn_blocking(move || launch.run()).await, "starting Apache Kafka again");
        self.process = must(restarted, "starting Apache Kafka again");
    }
}

/// How a broker is started on its folder.
#[derive(Clone, Debug)]
struct Launch {
    libs: PathBuf,
    machine: &'static [&'static str],
    dir: PathBuf,
    port: u16,
}

impl Launch {
    fn properties(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("kafka.log")
    }

    /// Runs the broker until it answers. Its folder tells the janitor which process it is.
    fn run(&self) -> Result<Child, String> {
        let broker = java(&self.libs, self.machine, &self.log()).arg("kafka.Kafka").arg(self.properties()).spawn();
        let mut broker = broker.map_err(|error| format!("java: {error}"))?;
        must(fs::write(self.dir.join("pid"), broker.id().to_string()), "writing the broker's number");
        if let Err(reason) = await_broker(&mut broker, self.port) {
            let _ = broker.kill();
            let _ = broker.wait();
            // Its number may be another's soon.
            let _ = fs::remove_file(self.dir.join("pid"));
            return Err(format!("{reason}: {}", log_end(&self.log())));
        }
        Ok(broker)
    }
}

fn start(libs: &Path, machine: &'static [&'static str]) -> (Kafka, Launch, Child) {
    let dir = scratch::scratch_dir("kafka");
    // Ports are taken at random and may be lost to another process before the broker has them.
    for attempt in 1.. {
        match try_start(libs, machine, &dir.join(attempt.to_string())) {
            Ok(started) => return started,
            Err(reason) => assert!(attempt < 3, "Apache Kafka does not start: {reason}"),
        }
    }
    unreachable!("the loop returns or panics")
}

fn try_start(libs: &Path, machine: &'static [&'static str], dir: &Path) -> Result<(Kafka, Launch, Child), String> {
    must(fs::create_dir(dir), "making Kafka's folder");
    let [plain, secure, controller] = free_ports();
    let ca_file = make_certificate(dir)?;
    let launch = Launch { libs: libs.to_owned(), machine, dir: dir.to_owned(), port: plain };
    let properties = launch.properties();
    must(fs::write(&properties, server_properties(dir, plain, secure, controller)), "writing Kafka's configuration");
    let password_file = dir.join("password");
    must(fs::write(&password_file, PASSWORD), "writing Kafka's password file");
    let format = java(libs, &SMALL, &launch.log())
        .args(["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", CLUSTER_ID, "-c"])
        .arg(&properties)
        .args(["--add-scram", &format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]")])
        .status()
        .map_err(|error| format!("java: {error}"))?;
    if !format.success() {
        return Err(log_end(&launch.log()));
    }
    scratch::after_the_end(&format!("test -e '{0}/pid' && kill -9 $(cat '{0}/pid'); rm -rf '{0}'", dir.display()));
    let broker = launch.run()?;
    let bootstrap = format!("127.0.0.1:{plain}");
    let secure =
        SecureListener { bootstrap: format!("localhost:{secure}"), ca_file, username: USER.to_owned(), password_file };
    Ok((Kafka { bootstrap, version: version(libs), secure: Some(secure) }, launch, broker))
}

/// A Java virtual machine with Kafka on its class path.
fn java(libs: &Path, machine: &[&str], log: &Path) -> Command {
    let log_file = || {
        let file = fs::OpenOptions::new().create(true).append(true).open(log);
        Stdio::from(must(file, "opening Kafka's log"))
    };
    let mut command = Command::new("java");
    command
        .args(machine)
        .args(["-Xshare:auto", "-Dorg.apache.logging.log4j.level=WARN", "-cp"])
        .arg(libs.join("*"))
        .stdin(Stdio::null())
        .stdout(log_file())
        .stderr(log_file())
        .process_group(0);
    command
}

fn server_properties(dir: &Path, plain: u16, secure: u16, controller: u16) -> String {
    let dir = dir.display();
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SECURE://localhost:{secure}
listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.ssl.keystore.location={dir}/server.p12
listener.name.secure.ssl.keystore.password={PASSWORD}
log.dirs={dir}/data
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=200
log.segment.delete.delay.ms=100
log.initial.task.delay.ms=100
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
"
    )
}

/// A certificate for `localhost`, which is its own authority; Java's own tool makes it.
fn make_certificate(dir: &Path) -> Result<PathBuf, String> {
    let keytool = |arguments: &[&str]| {
        let output = Command::new("keytool").args(arguments).current_dir(dir).output();
        let output = output.map_err(|error| format!("keytool: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("keytool: {}", String::from_utf8_lossy(&output.stdout))),
        }
    };
    let store = ["-keystore", "server.p12", "-storetype", "PKCS12", "-storepass", PASSWORD, "-alias", "server"];
    let made =
        ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650", "-dname", "CN=localhost"];
    keytool(&[&made[..], &["-ext", "san=dns:localhost", "-ext", "bc=ca:true"], &store].concat())?;
    keytool(&[&["-exportcert", "-rfc", "-file", "ca.pem"], &store[..]].concat())?;
    Ok(dir.join("ca.pem"))
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| must(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), "finding a free port"));
    listeners.map(|listener| must(listener.local_addr(), "finding a free port").port())
}

/// Waits until the broker answers a metadata request and counts itself among the living.
fn await_broker(broker: &mut Child, port: u16) -> Result<(), String> {
    let started = Instant::now();
    while !is_alive(port).unwrap_or(false) {
        if let Ok(Some(status)) = broker.try_wait() {
            return Err(format!("it ended ({status})"));
        }
        if started.elapsed() > START_MAX {
            return Err("it does not answer".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Asks for the cluster's metadata (version 1 of the request, no topics): the answer begins with the living brokers.
fn is_alive(port: u16) -> io::Result<bool> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    // Length, request 3, version 1, correlation 7, no client id, no topics.
    stream.write_all(&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0])?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer[8..] != [0; 4])
}

fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(30).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
