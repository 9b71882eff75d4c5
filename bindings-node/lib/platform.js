'use strict';

/** What builds for this platform are called. */
function platform() {
  const { platform: system, arch } = process;
  if (system !== 'linux') return `${system}-${arch}`;
  const isGlibc = Boolean(process.report.getReport().header.glibcVersionRuntime);
  return `linux-${arch}-${isGlibc ? 'gnu' : 'musl'}`;
}

module.exports = { platform };
