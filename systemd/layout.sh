# Where an installed digitd lies, and how install and uninstall speak. Sourced by both, not run.
# shellcheck shell=bash disable=SC2034  # what is set here is used there

APP=/opt/digitd                 # versions/NAME is a virtual environment; bin leads to the one in use
ETC=/etc/digitd
ACCOUNT=digitd                  # the user that digitd runs as, and the group that people join
UNITS=(digitd.service digitd@.service)
UNIT_FOLDER=/etc/systemd/system
COMMAND=/usr/local/bin/digitd
BASH_COMPLETION=/usr/local/share/bash-completion/completions/digitd
ZSH_COMPLETION=/usr/local/share/zsh/site-functions/_digitd
FISH_COMPLETION=/usr/local/share/fish/vendor_completions.d/digitd.fish
PAGES=(/usr/local/share/man/man1/digitd.1 /usr/local/share/man/man5/digitd.yaml.5)
OWN_FOLDERS=(                   # of completion and manual: taken away with them where empty, inner ones first
    "${BASH_COMPLETION%/*}" "${ZSH_COMPLETION%/*}" "${FISH_COMPLETION%/*}" "${PAGES[0]%/*}" "${PAGES[1]%/*}"
    /usr/local/share/bash-completion /usr/local/share/zsh /usr/local/share/fish
)

ROOT=                           # the folder that is taken for /; empty: this machine itself
INSTANCE=                       # empty: the service digitd, else digitd@INSTANCE

refuse() { echo "digitd ${0##*/}: $1" >&2; exit "${2:-1}"; }
say() { echo "$*"; }

# What belongs to the instance $1, or to the service digitd where it is empty.
unit_of() { echo "digitd${1:+@$1}.service"; }
config_of() { echo "$ETC/${1:-config}.yaml"; }
srv_of() { echo "/srv/digitd${1:+-$1}"; }
state_of() { echo "/var/lib/digitd${1:+-$1}"; }

check_instance() {
    [[ $1 =~ ^[a-z0-9][a-z0-9_-]{0,31}$ && $1 != config ]] ||
        refuse "'$1' cannot name an instance. Take up to 32 of a-z, 0-9, _ and -, and not 'config'." 2
}

check_root() {
    [[ -d $1 ]] || refuse "--root: $1 is no folder. Make it first (debootstrap, mkdir)." 2
    ROOT=$(realpath -- "$1")
    [[ $ROOT =~ ^[A-Za-z0-9/._+-]*$ ]] || refuse "--root: $ROOT has characters that end up badly in scripts. Move it." 2
    if [[ $ROOT == / ]]; then ROOT=; fi
}

need_root() {
    ((EUID == 0)) || refuse "only root may do that. Run it with sudo, or look at it first with --dry-run."
}

# A Debian package put it there: bin is a link of the package's.
is_packaged() { command -v dpkg >/dev/null && dpkg ${ROOT:+--root="$ROOT"} -S "$APP/bin" >/dev/null 2>&1; }

# The instances that have a configuration, one a line; an empty line is the service digitd.
instances() {
    local file
    for file in "$ROOT$ETC"/*.yaml; do
        [[ -f $file ]] || continue
        file=${file##*/}; file=${file%.yaml}
        if [[ $file == config ]]; then echo; else echo "$file"; fi
    done
}

# systemd runs, and it is this machine's.
systemd_runs() { [[ -z $ROOT && -d /run/systemd/system ]]; }

# The units of digitd that run now, one a line.
running_units() {
    if systemd_runs; then
        systemctl list-units --plain --no-legend --state=active,activating,reloading \
            digitd.service 'digitd@*.service' | cut -d ' ' -f 1
    fi
}

# systemctl for what works without a running systemd too: enable, disable.
offline_systemctl() { systemctl ${ROOT:+--root="$ROOT"} --quiet "$@"; }

# The configuration that is laid into /etc: that of the folder $1, with the folders of instance $2.
installed_config() {
    local srv state
    srv=$(srv_of "$2") state=$(state_of "$2")
    sed -e "1s|.*|# digitd's configuration: every option at its default, but for the folders of an installed digitd.|" \
        -e "s|^  path: inbox  |  path: $srv/inbox  |" -e "s|^  path: outbox  |  path: $srv/outbox  |" \
        -e "s|^  path: state  |  path: $state  |" -e "s|: archive/|: $srv/archive/|" "$1/config.yaml"
}
