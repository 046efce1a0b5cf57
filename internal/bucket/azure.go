package bucket

import (
	"context"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azblobblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://, with the environment variables that it documents
)

func openAzure(ctx context.Context, a Address) (*Bucket, error) {
	address := "azblob://" + a.Bucket
	if len(a.Query) > 0 {
		address += "?" + a.Query.Encode()
	}
	b, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return nil, err
	}
	return &Bucket{blob: b, store: azureStore{}}, nil
}

type azureStore struct{}

func (azureStore) version(as func(any) bool, etag string) string {
	var got azblobblob.DownloadStreamResponse
	if as(&got) && got.ETag != nil {
		return string(*got.ETag)
	}
	return etag
}

// put commits its blocks in one request, which judges the condition.
func (azureStore) put(ctx context.Context, b *blob.Bucket, key string, body io.ReadSeeker, _ int64, cond Condition) error {
	opts := &blob.WriterOptions{ContentType: "application/x-ipynb+json", IfNotExist: cond.IfAbsent}
	opts.BeforeWrite = func(as func(any) bool) error {
		var up *azblob.UploadStreamOptions
		if cond.IfVersion != "" && as(&up) {
			etag := azcore.ETag(cond.IfVersion)
			up.AccessConditions = &azblob.AccessConditions{
				ModifiedAccessConditions: &azblobblob.ModifiedAccessConditions{IfMatch: &etag},
			}
		}
		return nil
	}
	return b.Upload(ctx, key, body, opts)
}
