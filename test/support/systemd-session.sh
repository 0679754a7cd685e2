#!/usr/bin/env bash
# Runs a script under a systemd user session of its own, in name spaces of its own, so that nothing of this machine is touched.
# Usage: systemd-session.sh SCRIPT ARGUMENT...   As root, with systemd and dbus-daemon installed. It ends with 99 where that is not possible.
set -u
[[ $(id -u) == 0 ]] || { echo 'only root may make name spaces' >&2; exit 99; }
for program in unshare systemctl dbus-daemon; do
  command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 99; }
done
manager=/usr/lib/systemd/systemd
[[ -x $manager ]] || { echo "$manager is not there" >&2; exit 99; }
tree=$(findmnt --noheadings --first-only --output TARGET --types cgroup2) || { echo 'there is no cgroup2 tree' >&2; exit 99; }
group=$tree/edgehop-test-$$
mkdir "$group" 2>/dev/null || { echo "$tree cannot be written" >&2; exit 99; }

# shellcheck disable=SC2016
(
  echo "$BASHPID" >"$group/cgroup.procs" && exec unshare --mount --pid --cgroup --fork --kill-child --mount-proc bash -c '
    manager=$1; shift
    mount --make-rprivate / && mount -t tmpfs tmpfs /run || exit 99
    mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0
    umount --lazy /sys/fs/cgroup 2>/dev/null
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 99
    export XDG_RUNTIME_DIR=/run/user/0 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/0/bus
    unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME NOTIFY_SOCKET INVOCATION_ID
    dbus-daemon --session --address="$DBUS_SESSION_BUS_ADDRESS" --nofork --nopidfile 2>/dev/null &
    until [[ -S /run/user/0/bus ]]; do read -rt 0.05 <> <(:); done
    "$manager" --user --log-target=null 2>/dev/null &
    session=$!
    until systemctl --user is-system-running --quiet 2>/dev/null; do
      kill -0 "$session" 2>/dev/null || { echo "systemd --user does not start here" >&2; exit 99; }
      read -rt 0.05 <> <(:)
    done
    "$@"
  ' bash "$manager" "$@"
)
status=$?
# The kernel may take a moment to see that the last process has gone.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
  [[ -d $group ]] || break
  read -rt 0.1 <> <(:)
done
exit "$status"
