//! What the tests of the program share: agents as processes, plain HTTP services, commands.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod fake;
pub(crate) mod help;

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::{NamedTempFile, TempDir};

/// How long a condition may take to come true, on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The program, without what the environment would tell it.
pub(crate) fn bruit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bruit"));
    for name in ["BRUIT_ADDR", "BRUIT_TOKEN", "RUST_LOG", "NO_COLOR", "FORCE_COLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command.env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    // No settings of whoever runs the tests.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `bruit` with these arguments to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    ran(bruit().args(args))
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("it was not killed");
    Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// Its output; it must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// Its output as JSON; it must have succeeded.
    pub(crate) fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

/// Waits until `is_so`.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running agent on free ports; killed when dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) child: Child,
    pub(crate) api: String,
    pub(crate) gossip: String,
    pub(crate) ready: Value,
    log: NamedTempFile,
}

impl Agent {
    /// Starts an agent and waits for its ready line.
    pub(crate) fn start(args: &[&str]) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut command = bruit();
        command.args(["agent", "--profile", "local", "--until-stdin-closes"]);
        for flag in ["--bind", "--api"].into_iter().filter(|flag| !args.contains(flag)) {
            command.args([flag, "127.0.0.1:0"]);
        }
        if !args.contains(&"--drain-timeout") {
            // The services of tests go on when an agent ends.
            command.args(["--drain-timeout", "200ms"]);
        }
        command.args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.reopen().unwrap());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("{error} in {line:?}; {}", std::fs::read_to_string(log.path()).unwrap())
        });
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { child, api: text("api"), gossip: text("gossip"), ready, log }
    }

    /// Runs a command against this agent.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(bruit().args(args).args(["--addr", &self.api]))
    }

    /// The names of the members in this state, as this agent sees them.
    pub(crate) fn members(&self, state: &str) -> Vec<String> {
        let list = self.run(&["members", "--state", state, "--json"]).json();
        let names = list.as_array().unwrap().iter();
        names.map(|member| member["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// Waits for its end; gives its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        wait(&mut self.child)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log.path()).unwrap_or_default();
            eprintln!("log of {}:\n{log}", self.ready["name"]);
        }
    }
}

/// Sends a process a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits for the end of a process; gives its exit code.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let mut status = None;
    eventually("a process ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.and_then(|status| status.code())
}

/// A request as a service got it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.headers.iter().filter_map(|field| field.split_once(": "));
        fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A plain HTTP service: keeps what it got, answers with `status`.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) addr: SocketAddr,
    got: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    pub(crate) fn start(status: &'static str) -> Self {
        Self::slow(status, Duration::ZERO)
    }

    /// One that takes so long for each answer.
    pub(crate) fn slow(status: &'static str, each: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, got) = (stream.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || serve(&stream, (status, each), &got));
            }
        });
        Self { addr, got }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All requests so far.
    pub(crate) fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }

    /// How many requests so far had this request line.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.got().iter().filter(|request| request.line == line).count()
    }
}

fn serve(stream: &TcpStream, (status, each): (&str, Duration), got: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        got.lock().unwrap().push(request);
        std::thread::sleep(each);
        let mut writer = stream;
        if write!(writer, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

/// Reads a request whose body has a Content-Length; `None` at the end.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let first = lines.remove(0);
    let mut request = Request { line: first, headers: lines, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    request.line = request.line.trim_end_matches(" HTTP/1.1").to_owned();
    Some(request)
}

/// A folder that is removed at the end.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}
