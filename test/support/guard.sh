# Runs one command and makes sure that it never outlives the test that started it.
#
#   sh guard.sh <cleanup> <command> [argument...]
#
# in:   stdin   a pipe that the test holds open and never writes to. When it ends (the test closed it, or was killed, even by
#               SIGKILL), the command is killed and <cleanup>, a line of shell, is run.
# out:  fd 3    "started <pid>", then "exited <code>" (128 + n after signal n). stdout and stderr are the command's own.
#
# It is started in a session of its own, so that a Ctrl-C meant for the tests does not end it before it has cleaned up.
cleanup=$1
shift
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
pid=$!
# Not before the command: it would inherit it. When the test was killed, nobody reads fd 3 any more, and the cleanup must go on.
trap '' PIPE
echo "started $pid" >&3
(
  read -r _ <&4
  kill -9 "$pid"
) 3>&- >/dev/null 2>&1 &
watcher=$!
wait "$pid"
code=$?
# The number may soon belong to another process: nobody may kill it any more.
kill "$watcher"
echo "exited $code" >&3
read -r _ <&4
eval "$cleanup"
