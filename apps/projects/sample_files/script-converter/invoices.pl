#!/usr/bin/perl
# Sums the invoices of each customer: lines of "customer;amount".
use strict;
use warnings;

my %total;
while (my $line = <STDIN>) {
    chomp $line;
    next if $line =~ /^\s*(#|$)/;
    my ($customer, $amount) = split /;/, $line;
    die "line $.: no amount\n" unless defined $amount && $amount =~ /^-?\d+(\.\d+)?$/;
    $total{$customer} += $amount;
}
printf "%-20s %10.2f\n", $_, $total{$_} for sort keys %total;
