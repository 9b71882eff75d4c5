'use strict';

/** The name of this platform in package and file names, for example `linux-x64-gnu`. */
function platform() {
  const { platform: system, arch } = process;
  if (system !== 'linux') return `${system}-${arch}`;
  /** @type {any} */
  const report = process.report.getReport();
  const isGlibc = Boolean(report.header.glibcVersionRuntime);
  return `linux-${arch}-${isGlibc ? 'gnu' : 'musl'}`;
}

/** The file name of this platform's native part. */
function fileName() {
  return `pigato.${platform()}.node`;
}

module.exports = { fileName, platform };
