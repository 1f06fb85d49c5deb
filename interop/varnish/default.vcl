# What each cache of the suite runs: the built-in behaviour of Varnish, and PURGE as its manual
# sets it up (Users Guide, "Purging and banning"). Nothing here knows of Bruit.
#
# The suite replaces the port of the origin; the file is valid as it is.

vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
}

# Who may purge: this machine, where the agent runs.
acl may_purge {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ may_purge) {
            return (synth(405, "PURGE is not allowed from here"));
        }
        return (purge);
    }
}
