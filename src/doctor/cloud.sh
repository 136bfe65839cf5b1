# What does the cloud's metadata service say? A token first, then the network of the first interface (IMDSv2).
command -v curl >/dev/null 2>&1 || exit 0
base=http://169.254.169.254/latest
token=$(curl -sf --noproxy '*' -m 1 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$base/api/token") || exit 0
get() { curl -sf --noproxy '*' -m 2 -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"; }
echo hop-begin
echo "region $(get placement/region)"
net=network/interfaces/macs/$(get mac)
echo "vpc $(get "$net/vpc-id")"
echo "subnet $(get "$net/subnet-id")"
get "$net/vpc-ipv4-cidr-blocks" | sed 's/^/block /'
echo
echo hop-end
