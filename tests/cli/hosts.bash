# Several hosts on one machine: network namespaces with an address and a name each, on a bridge in
# a namespace of its own.  Needs root.

hosts_up() { # hosts_up N: host-1 to host-N, at 10.77.0.1 and so on
    net=repro$BASHPID
    host_count=$1
    [ "$(id -u)" -eq 0 ] || skip "network namespaces are root's"
    command -v ip >/dev/null || skip "ip is missing (Debian: iproute2)"
    { ip netns add "$net" && ip -n "$net" link add bridge type bridge &&
        ip netns exec "$net" unshare --uts true; } 2>/dev/null || {
        hosts_down
        skip "this machine allows no network namespaces of our own"
    }
    ip -n "$net" link set bridge up
    local k
    for k in $(seq "$host_count"); do
        ip netns add "$net-$k"
        ip -n "$net" link add "port$k" type veth peer name eth0 netns "$net-$k"
        ip -n "$net" link set "port$k" master bridge up
        ip -n "$net-$k" addr add "10.77.0.$k/24" dev eth0
        ip -n "$net-$k" link set eth0 up
        ip -n "$net-$k" link set lo up
    done
    # mpirun's way to another host, in the place of ssh: HOST COMMAND
    cat > agent <<SH
#!/bin/sh
host=\${1##*.}
shift
exec ip netns exec $net-\$host unshare --uts sh -c "hostname host-\$host; \$*"
SH
    chmod +x agent
    export OMPI_MCA_plm_rsh_agent=$PWD/agent OMPI_MCA_btl=self,tcp
    export OMPI_MCA_btl_tcp_if_include=10.77.0.0/24 OMPI_MCA_oob_tcp_if_include=10.77.0.0/24
}

hosts_down() {
    local k id
    for k in '' $(seq -f -%g "${host_count:-0}"); do
        for id in $(ip netns pids "$net$k" 2>/dev/null); do
            kill -KILL "$id" 2>/dev/null || true
        done
        ip netns del "$net$k" 2>/dev/null || true
    done
}

# on_hosts N ARGUMENT...: the program with a rank on each of the first N hosts.
on_hosts() {
    local count=$1
    shift
    ip netns exec "$net-1" unshare --uts sh -c 'hostname host-1; exec mpirun "$@"' sh \
        --host "$(seq -s , -f 10.77.0.%g:1 "$count")" -n "$count" "$REPRO_PROGRAM" "$@" </dev/null
}

# A host's cable is pulled out, or put in again: cut_off K, put_back K.
cut_off() {
    ip -n "$net" link set "port$1" down
}

put_back() {
    ip -n "$net" link set "port$1" up
}
