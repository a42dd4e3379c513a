# Sourced with `into`, a folder, and `version`, that of what is installed there: leaves when it is there already,
# else goes into the folder, alone. The script that sources it ends with `touch "$complete"`.
complete=$into/complete-$version
[ -e "$complete" ] && exit 0
mkdir -p "$into"
into=$(cd "$into" && pwd)
complete=$into/complete-$version
# Tests are processes that start together: one installs, the others wait for it.
if command -v flock >/dev/null; then
	exec 9>"$into/lock"
	flock 9
	[ -e "$complete" ] && exit 0
fi
here=$(cd "$(dirname "$0")" && pwd)
cd "$into"
