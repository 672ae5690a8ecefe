# Sourced by ./test: runs steps side by side and says where the time went. Needs bash 5.1 (wait -n -p).

jobs=$(jobs_here)
logs=build/logs
mkdir -p $logs
skipped=$PWD/$logs/skipped
: >"$skipped"
export ROMA_SKIPPED=$skipped # scripts of steps add lines
steps=()                     # names, in the order of the list
declare -A after=() command=() state=() began_at=()
declare -A step_of=() # by process

skip() { echo "$*" >>"$skipped"; }

# step NAME "STEP..." COMMAND...: the steps that must have passed before, and what is run
step() {
    steps+=("$1")
    after[$1]=$2
    command[$1]=$(printf '%q ' "${@:3}")
    state[$1]=waiting
}

# A step may begin when those before it have passed; it never will when one of them has failed. Steps that do not run count as passed.
is_ready() {
    local name
    for name in ${after[$1]}; do
        case ${state[$name]:-passed} in
        failed | barred) state[$1]=barred && return 1 ;;
        waiting | running) return 1 ;;
        esac
    done
}

# Runs in a process of its own; the last line of NAME.time is the CPU time of all that it started.
begin_step() {
    state[$1]=running
    began_at[$1]=$EPOCHREALTIME
    (
        eval "${command[$1]}" >"$logs/$1.log" 2>&1 </dev/null
        status=$?
        times >"$logs/$1.time"
        exit $status
    ) &
    step_of[$!]=$1
}

# "1m2.345s 0m1.000s" in seconds
cpu_seconds() { tail -n 1 "$logs/$1.time" 2>/dev/null | sed 's/[ms]/ /g' | awk '{printf "%.0f", 60 * $1 + $2 + 60 * $3 + $4}'; }

end_step() {
    local name=$1 status=$2 seconds
    seconds=$(awk -v a="${began_at[$name]}" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.0f", b - a}')
    if [ "$status" -eq 0 ]; then
        state[$name]=passed
        printf '%-14s ok    %4d s, %4d s of CPU\n' "$name" "$seconds" "$(cpu_seconds "$name")"
    else
        state[$name]=failed
        printf '%-14s FAIL  %4d s   %s\n' "$name" "$seconds" "$logs/$name.log"
        tail -n 25 "$logs/$name.log" | sed 's/^/    /'
    fi
}

stop_steps() {
    trap '' INT TERM
    for pid in "${!step_of[@]}"; do kill -TERM -- "-$pid" 2>/dev/null; done
    exit 130
}

# Keeps those that were asked for.
choose_steps() {
    local name known=" ${steps[*]} "
    [ $# -gt 0 ] || return 0
    if [ "$1" = --list ]; then
        printf '%s\n' "${steps[@]}"
        exit 0
    fi
    for name; do
        case $known in *" $name "*) ;; *) echo "there is no step '$name'; ./test --list names them" >&2 && exit 2 ;; esac
    done
    for name in "${steps[@]}"; do
        case " $* " in *" $name "*) ;; *) unset "state[$name]" ;; esac
    done
}

run_steps() {
    local name pid status began=$SECONDS passed=0 failed=() barred=() cpu=0
    choose_steps "$@"
    rm -f $logs/*.time
    set -m # a process group for each step, so that all of it can be stopped
    trap stop_steps INT TERM
    while :; do
        for name in "${steps[@]}"; do
            [ "${state[$name]:-}" = waiting ] && [ ${#step_of[@]} -lt "$jobs" ] && is_ready "$name" && begin_step "$name"
        done
        [ ${#step_of[@]} -gt 0 ] || break
        wait -n -p pid
        status=$?
        name=${step_of[$pid]}
        unset "step_of[$pid]"
        end_step "$name" $status
    done
    for name in "${steps[@]}"; do
        case ${state[$name]:-} in
        passed) passed=$((passed + 1)) cpu=$((cpu + $(cpu_seconds "$name"))) ;;
        failed) failed+=("$name") ;;
        barred) barred+=("$name") ;;
        esac
    done
    echo
    [ -s "$skipped" ] && [ $# -eq 0 ] && { echo "skipped:"; sort -u "$skipped" | sed 's/^/  /'; }
    [ ${#failed[@]} -eq 0 ] || echo "FAILED: ${failed[*]}"
    [ ${#barred[@]} -eq 0 ] || echo "not run, as a step before has failed: ${barred[*]}"
    echo "$((SECONDS - began)) s, $cpu s of CPU on $jobs"
    echo "$passed passed, ${#failed[@]} failed, ${#barred[@]} skipped"
    [ ${#failed[@]} -eq 0 ]
}
