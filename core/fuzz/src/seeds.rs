//! Writes a seed corpus made from the golden frames: `seeds GOLDEN_DIRECTORY CORPUS_DIRECTORY`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

fn main() -> io::Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [golden, corpus] = &arguments[..] else {
        return Err(io::Error::other("usage: seeds GOLDEN_DIRECTORY CORPUS_DIRECTORY"));
    };
    for entry in fs::read_dir(golden)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            write_seeds(&path, corpus)?;
        }
    }
    Ok(())
}

/// Each message is a seed of `decode`; each of its JSON frames is a seed of `parse`.
fn write_seeds(golden: &Path, corpus: &Path) -> io::Result<()> {
    let name = golden.file_stem().unwrap_or_default().to_string_lossy();
    let message: Value = serde_json::from_slice(&fs::read(golden)?)?;
    let frames: Vec<Vec<u8>> = message["frames"].as_array().into_iter().flatten().map(bytes).collect();
    fs::create_dir_all(corpus.join("decode"))?;
    fs::create_dir_all(corpus.join("parse"))?;
    fs::write(corpus.join("decode").join(&*name), pigato_fuzz::joined(&frames))?;
    for (position, frame) in frames.iter().enumerate().filter(|(_, frame)| frame.starts_with(b"{")) {
        fs::write(corpus.join("parse").join(format!("{name}-{position}")), frame)?;
    }
    Ok(())
}

/// A frame is text, or `{"hex":"…"}`.
fn bytes(frame: &Value) -> Vec<u8> {
    let Some(digits) = frame["hex"].as_str() else {
        return frame.as_str().unwrap_or_default().as_bytes().to_vec();
    };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).filter_map(byte).collect()
}
