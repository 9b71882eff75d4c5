'use strict';

/** What builds for this platform are called. */
function platform() {
  const { platform: system, arch } = process;
  if (system !== 'linux') return `${system}-${arch}`;
  /** @type {any} */
  const report = process.report.getReport();
  const isGlibc = Boolean(report.header.glibcVersionRuntime);
  return `linux-${arch}-${isGlibc ? 'gnu' : 'musl'}`;
}

/** The name of the native part for this platform. */
function fileName() {
  return `pigato.${platform()}.node`;
}

module.exports = { fileName, platform };
