//! Runs a command in a new process group, so that signals reach the processes that it starts as
//! well.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{kill_process_group, Pid, Signal};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// A running command. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    child: Child,
    id: GroupId,
}

/// The standard streams of a command.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// Identifies a process group for signals. `None` once the command has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupId(Option<Pid>);

impl ProcessGroup {
    /// Starts `command` with `sh -c`.
    pub(super) fn spawn(command: &str, environment: &[(&str, String)]) -> io::Result<(Self, Pipes)> {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let id = GroupId(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Self { child, id };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the standard streams are not available"));
        };
        Ok((group, Pipes { stdin, stdout, stderr }))
    }

    pub(super) fn id(&self) -> GroupId {
        self.id
    }

    /// Waits for the command itself, not for processes that it left running.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.id = GroupId(None);
        Ok(status)
    }
}

impl GroupId {
    pub(super) fn terminate(self) {
        self.signal(Signal::TERM);
    }

    pub(super) fn kill(self) {
        self.signal(Signal::KILL);
    }

    fn signal(self, signal: Signal) {
        if let Some(group) = self.0 {
            // Fails if the group has no processes left.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.id.kill();
    }
}
