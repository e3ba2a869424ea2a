//! `cargo xtask docs-browser`: the page `/docs` of the examples in headless Chromium, with no network but the program's
//! own address.

use std::path::PathBuf;
use std::process::Command;

use crate::debian;
use crate::failure::Failure;
use crate::node;
use crate::program::Program;

/// The examples, each with a path that can be tried without a parameter.
const EXAMPLES: [(&str, &str); 2] = [("cars", "/cars"), ("dealership", "/owners")];

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Reads and tries the page of each example.
pub(crate) fn run() -> Result<(), Failure> {
    let browser = browser()?;
    let home = node::packages()?;
    for (example, path) in EXAMPLES {
        let program = Program::start(example, &home.join(format!("{example}-instance")), None)?;
        let picture = home.join(format!("{example}-docs.png"));
        let status = Command::new("node")
            .args(["docs.mjs", &program.url])
            .args([&browser, &picture])
            .arg(path)
            .current_dir(&home)
            .status()
            .map_err(Failure::because("failed to run `node`"))?;
        Failure::unless(status, format!("the page of `{example}` does not work in the browser"))?;
        println!("{example}: {}", picture.display());
    }
    Ok(())
}

/// Whether there is a browser, or can be.
pub(crate) fn is_possible() -> bool {
    find().is_some() || debian::can_install()
}

fn browser() -> Result<PathBuf, Failure> {
    if find().is_none() && debian::can_install() {
        debian::install("chromium")?;
    }
    find().ok_or_else(|| {
        Failure::new("there is no Chromium")
            .hint("install it: `apt-get install chromium` on Debian, or Chrome elsewhere")
    })
}

fn find() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    places.find(|place| place.is_file())
}
