"""What tests make, run and compare: WET files, servers, corpora, builds."""
