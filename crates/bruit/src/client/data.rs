//! Reads bodies from where the command line says that they are.

use crate::args::Data;
use crate::exit::{Exit, Failure};
use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most of a body that is read, in bytes; what the agent takes is less, and it says so.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads a body whole, on a thread of its own, so that signals are seen meanwhile.
pub(super) async fn read(data: Data) -> Result<Bytes, Failure> {
    let reading = tokio::task::spawn_blocking(move || read_blocking(data));
    reading.await.expect("reading does not panic, and nothing cancels it")
}

fn read_blocking(data: Data) -> Result<Bytes, Failure> {
    match data {
        Data::Text(text) => Ok(text.into()),
        Data::Stdin => whole("standard input", io::stdin().lock()),
        Data::File(path) => {
            let name = path.display().to_string();
            whole(&name, open(&path, &name)?)
        }
    }
}

fn open(path: &Path, name: &str) -> Result<File, Failure> {
    File::open(path)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot read {name}: {error}")))
}

fn whole(name: &str, from: impl Read) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    from.take(BODY_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot read {name}: {error}")))?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_text_or_a_file() {
        assert_eq!(read(Data::Text("a@b".to_owned())).await.unwrap(), "a@b");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "content").unwrap();
        assert_eq!(read(Data::File(file.path().to_owned())).await.unwrap(), "content");
        let failure = read(Data::File("/no/such/file".into())).await.unwrap_err();
        assert!(failure.text().unwrap().contains("/no/such/file"));
    }
}
