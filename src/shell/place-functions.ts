/**
 * Functions that write where others may plant links. Variables: `S` the tool's folder, `RUN`, and `P/folders`, which gets
 * the folders to be synced.
 */
export const PLACE_FUNCTIONS = String.raw`# Goes into the folder of a path, so that nobody can put another in its place meanwhile; at is where that is, or empty.
# Where links are on the way it goes step by step, and judges only by where it is: a link is followed out of a folder
# that only we can change, or to a folder of the user whose folder it stands in; else it could lead us anywhere.
enter() {
  at= d=${'${1%/*}'}; d=${'${d:-/}'}
  if cd -P -- "$d" 2>/dev/null && [ "$PWD" = "$d" ]; then at=$d; return 0; fi
  cd /; way=${'${d#/}'} hops=0
  while [ -n "$way" ]; do
    c=${'${way%%/*}'} was=${'${PWD%/}'}
    case $way in */*) way=${'${way#*/}'} ;; *) way= ;; esac
    case $c in ''|.) continue ;; ..) cd -P -- ..; continue ;; esac
    o=$(stat -c '%u %a' .) || return
    if ours $o && [ -L "./$c" ]; then
      hops=$((hops + 1)); [ "$hops" -le 40 ] || { echo "$d goes in circles"; return 1; }
      t=$(readlink -- "./$c") && way=$t${'${way:+/$way}'} || return
      case $t in /*) cd /; way=${'${way#/}'} ;; esac
      continue
    fi
    cd -P -- "./$c" 2>/dev/null || return 0
    [ "$PWD" = "$was/$c" ] || { ! ours $o && [ "${'${o% *}'}" != 0 ] && [ "${'${o% *}'}" = "$(stat -c %u .)" ]; } || {
      echo "$was/$c is a link to $(readlink -- "$was/$c") made by user $(stat -c %U -- "$was/$c"), who does not own what is there: it is not followed"
      return 1
    }
  done
  at=$PWD
}
# Whether only root, or the user we are, can change a folder of this owner and mode.
ours() { case $1 in 0|"$(id -u)") ;; *) return 1 ;; esac; case $2 in *[2367]|*[2367]?) return 1 ;; esac; }
# Puts a kept file into the folder we are in, in one step.
bring() {
  n=.deploy-$RUN-back; printf '%s\n' "$at/$n" >>"$S/temps"
  # Whoever may write there may have put a link in its place: it is removed, never written through.
  cp -a --remove-destination -T -- "$1" "$n" && { [ -L "$n" ] || sync -- "$n"; } && mv -fT -- "$n" "$2" || { c=$?; rm -f -- "$n"; return "$c"; }
}
# The same for a path, for a rollback.
bring_back() {
  enter "$2" && [ -n "$at" ] || { echo "there is no folder to put $2 in"; return 1; }
  bring "$1" "./${'${2##*/}'}" || { echo "$2 could not be put back. Free there:"; df -h --output=target,avail,iavail -- .; return 1; }
  printf '%s\n' "$at" >>"$P/folders"
}
`
