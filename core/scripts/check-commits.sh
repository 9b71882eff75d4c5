#!/usr/bin/env bash
# Checks that the subjects of the last 20 commits have at most 72 characters. Commits made before
# this script existed are exempt. In a shallow clone it checks the commits that are there.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.."

limit=72
if ! git rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
  echo "commit subjects NOT CHECKED: no Git history here"
  exit 0
fi
# In a shallow clone the oldest commit counts as the one that added all files.
first=$(git log --diff-filter=A --format=%H -- core/scripts/check-commits.sh | tail -n 1)
[ -n "$first" ] || exit 0

failed=0
while IFS=' ' read -r commit subject; do
  if [ "${#subject}" -gt "$limit" ]; then
    echo "commit $commit: the subject has ${#subject} characters, $limit are allowed: $subject" >&2
    failed=1
  fi
done < <(git log --no-merges --max-count=20 --ancestry-path --format='%h %s' "$first..HEAD")
[ "$failed" -eq 0 ] || echo "Shorten it with 'git commit --amend' or 'git rebase --interactive'." >&2
exit "$failed"
