//! Bytes as frames: what is read is written the same, and a datagram is read whole or not at all.

#![no_main]

use bruit_wire::{Frame, Reader, decode_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    if let Ok(Some(frame)) = Frame::decode(&mut reader) {
        let mut written = Vec::new();
        frame.encode(&mut written);
        assert_eq!(written.len(), frame.encoded_len());
        assert_eq!(written, bytes[..bytes.len() - reader.remaining()]);
    }
    let mut frames = Vec::new();
    match decode_all(bytes, &mut frames) {
        Ok(0) => {
            let mut written = Vec::new();
            frames.iter().for_each(|frame| frame.encode(&mut written));
            assert_eq!(written, bytes);
        }
        Ok(_) => {}
        Err(_) => assert!(frames.is_empty()),
    }
});
